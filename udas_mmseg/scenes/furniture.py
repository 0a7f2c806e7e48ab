"""Objects at the roadside: poles, lamps, traffic lights, signs, walls, fences, bins."""

import numpy as np

from . import labels
from .canvas import Canvas, Colour, Material, Panel, box, circle, stroke, tint
from .style import Style

_WHITE: Colour = (238, 238, 234)
_DULL_RED: Colour = (170, 46, 44)
_DULL_BLUE: Colour = (44, 78, 138)
_DULL_YELLOW: Colour = (206, 176, 62)


def _pole(canvas: Canvas, height: float, width: float, colour: Colour) -> None:
    canvas.cutout(stroke((0, 0), (0, height), width), colour, labels.POLE)
    canvas.cutout(stroke((width * 0.25, 0), (width * 0.25, height), width * 0.4),
                  tint(colour, 0.75), labels.POLE)
    canvas.cast_shadow(width / 2, width / 2, height)


def paint_lamp(canvas: Canvas, style: Style, sign: int) -> None:
    """A street lamp whose arm reaches over the road; the road is on the side -sign."""
    height, colour = style.uniform(6.0, 8.5), style.pick('pole')
    _pole(canvas, height, 0.18, colour)
    reach = -sign * style.uniform(1.2, 2.0)
    canvas.cutout(stroke((0, height), (reach, height + 0.25), 0.1), colour, labels.POLE)
    canvas.cutout(stroke((reach * 0.8, height + 0.16), (reach * 1.25, height + 0.26), 0.16),
                  tint(colour, 1.15), labels.POLE)


def paint_traffic_light(canvas: Canvas, style: Style, sign: int) -> None:
    """A traffic light; in the simulated domain with a second one on an arm over the road."""
    colour, housing = style.pick('pole'), style.pick('light_box')
    _pole(canvas, 3.3 if style.real else 5.6, 0.16, colour)
    state = int(style.rng.integers(3))
    _signal_head(canvas, 0.0, 2.5, housing, state)
    if not style.real:
        reach = -sign * style.uniform(2.8, 4.2)
        canvas.cutout(stroke((0, 5.5), (reach, 5.6), 0.13), colour, labels.POLE)
        _signal_head(canvas, reach, 4.9, housing, state)


def _signal_head(canvas: Canvas, x: float, y: float, housing: Colour, state: int) -> None:
    label = labels.TRAFFIC_LIGHT
    canvas.cutout(stroke((x, y), (x, y + 1.35), 0.54), housing, label)
    lamps: tuple[Colour, ...] = ((60, 220, 130), (250, 190, 40), (240, 50, 40))
    for k, lamp in enumerate(lamps):
        canvas.cutout(circle(x, y + 0.26 + 0.42 * k, 0.17, 8), lamp if k == state
                      else (30, 30, 30), label)


def paint_sign(canvas: Canvas, style: Style) -> None:
    """A traffic sign on a post, or a larger direction board."""
    red, blue, yellow = (_DULL_RED, _DULL_BLUE, _DULL_YELLOW) if style.real else (
        (232, 30, 36), (24, 90, 220), (252, 206, 24))
    _pole(canvas, 2.9, 0.09, style.pick('pole'))
    label, y = labels.TRAFFIC_SIGN, 2.55
    kind = int(style.rng.integers(6))
    if kind == 0:
        canvas.cutout(circle(0, y, 0.44), red, label)
        canvas.cutout(circle(0, y, 0.3), _WHITE, label)
    elif kind == 1:
        canvas.cutout([(-0.5, y + 0.4), (0.5, y + 0.4), (0, y - 0.46)], red, label)
        canvas.cutout([(-0.3, y + 0.29), (0.3, y + 0.29), (0, y - 0.24)], _WHITE, label)
    elif kind == 2:
        canvas.cutout(circle(0, y, 0.44), blue, label)
        canvas.cutout(stroke((0, y - 0.25), (0, y + 0.25), 0.12), _WHITE, label)
    elif kind == 3:
        canvas.cutout([(0, y + 0.5), (0.5, y), (0, y - 0.5), (-0.5, y)], _WHITE, label)
        canvas.cutout([(0, y + 0.36), (0.36, y), (0, y - 0.36), (-0.36, y)], yellow, label)
    elif kind == 4:
        canvas.cutout(circle(0, y, 0.46, 8), red, label)
        canvas.cutout(stroke((-0.3, y), (0.3, y), 0.16), _WHITE, label)
    else:
        board = yellow if style.chance(0.5) else blue
        canvas.cutout(stroke((-1.0, y), (1.0, y), 1.0), board, label)
        ink = _WHITE if board == blue else (30, 30, 30)
        for dy in (0.2, -0.15):
            canvas.cutout(stroke((-0.7, y + dy), (0.5, y + dy), 0.14), ink, label)


def paint_post(canvas: Canvas, style: Style) -> None:
    """A plain post or bollard."""
    _pole(canvas, style.uniform(0.9, 1.1) if style.chance(0.5) else style.uniform(3.0, 6.0), 0.13,
          style.pick('pole'))


def paint_bin(canvas: Canvas, style: Style) -> None:
    """A litter bin (label id `static`, which is not evaluated)."""
    box(canvas, (-0.3, 0, -0.3), (0.3, 1.0, 0.3), style.pick('bin'), labels.STATIC)
    canvas.cast_shadow(0.3, 0.3, 1.0)


def _street_panels(
    canvas: Canvas, sign: int, length: float, height: float, thickness: float, colour: Colour,
    label: int, material: int,
) -> Panel:
    """A slab along the street from the current place on; returns its face to the street."""
    low, high = sorted((0.0, sign * thickness))
    box(canvas, (low, 0, 0), (high, height, length), colour, label, material,
        top=tint(colour, 1.12))
    canvas.cast_shadow(thickness / 2, length / 2, height, sign * thickness / 2, length / 2)
    if sign > 0:
        return Panel(canvas, (0, 0, length), (0, -1), label, material)
    return Panel(canvas, (0, 0, 0), (0, 1), label, material)


def paint_wall(canvas: Canvas, style: Style, sign: int, length: float) -> None:
    """A garden wall along the street."""
    height, colour = style.uniform(1.5, 2.5), style.pick('wall', 0.1)
    face = _street_panels(canvas, sign, length, height, 0.35, colour, labels.WALL,
                          Material.BRICK)
    for u in np.arange(0.0, length - 0.4, 3.2).tolist():
        face.rect(u, 0, u + 0.4, height, tint(colour, 0.86))
    face.rect(0, height - 0.18, length, height, tint(colour, 1.15))


def paint_fence(canvas: Canvas, style: Style, sign: int, length: float) -> None:
    """A fence along the street: bars before a dark ground, as seen from the road."""
    height, colour = style.uniform(1.1, 1.7), style.pick('fence', 0.1)
    face = _street_panels(canvas, sign, length, height, 0.08, tint(colour, 0.5), labels.FENCE,
                          Material.FLAT)
    step = style.uniform(0.28, 0.4)
    u = np.arange(0.0, length - 0.15, step, dtype=np.float32)
    bars = np.stack([u, np.zeros_like(u), u + 0.15, np.full_like(u, height)], axis=1)
    face.rects(bars, colour)
    for v in (0.2, height - 0.25):
        face.rect(0, v, length, v + 0.12, tint(colour, 0.9))
