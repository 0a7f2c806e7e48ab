"""Pedestrians, riders and parked two-wheelers, as flat cut-outs that face the camera."""

from math import cos, sin

from . import labels
from .canvas import Canvas, Colour, Material, circle, stroke, tint
from .style import Style


def paint_person(canvas: Canvas, style: Style) -> None:
    """A pedestrian, walking or standing."""
    height = style.uniform(1.55, 1.9) * (0.7 if style.chance(0.1) else 1.0)
    jacket, trousers = style.pick('clothes', 0.12), style.pick('trousers', 0.12)
    skin, hair = style.pick('skin'), style.pick('hair')
    stride = style.uniform(-0.22, 0.22)
    build = style.uniform(0.9, 1.15)
    u = height / 1.75
    canvas.cast_shadow(0.16, 0.12, height * 0.9)

    def part(points: list[tuple[float, float]], colour: Colour) -> None:
        canvas.cutout([(x * u, y * u) for x, y in points], colour, labels.PERSON, Material.CLOTH)

    hip, shoulder = 0.17 * build, 0.225 * build
    for side, lean in ((-1, -stride), (1, stride)):
        foot = side * 0.09 + lean
        part(stroke((side * 0.085, 0.86), (foot, 0.06), 0.16), tint(trousers, 0.9 + 0.1 * side))
        part(stroke((foot - 0.04, 0.04), (foot + 0.12, 0.04), 0.08), (30, 28, 28))
    hem = style.uniform(0.6, 0.86)
    part([(-hip, hem), (-shoulder, 1.44), (-0.07, 1.5), (0.07, 1.5), (shoulder, 1.44),
          (hip, hem)], jacket)
    for side in (-1, 1):
        hand = (side * (shoulder + 0.05) - 0.6 * side * stride, 0.82)
        part(stroke((side * shoulder, 1.4), hand, 0.1), tint(jacket, 0.82))
        part(circle(*hand, 0.05, 6), skin)
    if style.chance(0.3):
        part(stroke((shoulder + 0.08, 0.78), (shoulder + 0.08, 0.45), 0.26), style.pick('door'))
    part(stroke((0, 1.46), (0, 1.56), 0.1), skin)
    part(circle(0, 1.63, 0.115, 10), skin)
    part([(-0.12, 1.62), (-0.1, 1.73), (0, 1.77), (0.1, 1.73), (0.12, 1.62), (0.05, 1.68),
          (-0.05, 1.68)], hair)


def paint_rider(canvas: Canvas, style: Style) -> None:
    """Someone riding a bicycle or a motorcycle (classes `rider` and the vehicle's own)."""
    turn = style.uniform(0.5, 1.2) * (1 if style.chance(0.5) else -1)
    motor = style.chance(0.4)
    (_motorcycle if motor else _bicycle)(canvas, style, turn)
    jacket, trousers = style.pick('clothes', 0.12), style.pick('trousers', 0.12)
    skin, helmet = style.pick('skin'), style.pick('helmet')
    canvas.cast_shadow(0.3, 0.8, 1.5)
    squeeze, facing = abs(sin(turn)), 1.0 if turn > 0 else -1.0
    saddle = 0.82 if motor else 0.98

    def part(points: list[tuple[float, float]], colour: Colour) -> None:
        canvas.cutout(points, colour, labels.RIDER, Material.CLOTH)

    def at(x: float, y: float) -> tuple[float, float]:
        return facing * squeeze * x, y

    wide = 0.2 + 0.12 * abs(cos(turn))
    knee, foot = at(0.28, saddle - 0.28), at(0.06, 0.3)
    part(stroke(at(-0.2, saddle), knee, 0.19), trousers)
    part(stroke(knee, foot, 0.15), tint(trousers, 0.85))
    x0, x1 = at(-0.24, 0)[0], at(0.12, 0)[0]
    part([(x0 - wide * 0.7, saddle - 0.1), (x1 - wide, saddle + 0.55),
          (x1 + wide, saddle + 0.55), (x0 + wide * 0.7, saddle - 0.1)], jacket)
    part(stroke((x1, saddle + 0.48), at(0.46, saddle + 0.16), 0.12), tint(jacket, 0.82))
    head = (at(0.2, 0)[0], saddle + 0.74)
    part(circle(*head, 0.13, 10), skin)
    x, y = head
    part([(x - 0.15, y + 0.0), (x - 0.12, y + 0.13), (x, y + 0.18), (x + 0.12, y + 0.13),
          (x + 0.15, y + 0.0)], helmet if motor or style.chance(0.6) else style.pick('hair'))


def paint_bicycle(canvas: Canvas, style: Style) -> None:
    """A parked bicycle."""
    _bicycle(canvas, style, style.uniform(0.7, 1.57) * (1 if style.chance(0.5) else -1))
    canvas.cast_shadow(0.15, 0.7, 0.8)


def paint_motorcycle(canvas: Canvas, style: Style) -> None:
    """A parked motorcycle or scooter."""
    _motorcycle(canvas, style, style.uniform(0.6, 1.4) * (1 if style.chance(0.5) else -1))
    canvas.cast_shadow(0.25, 0.8, 0.9)


def _wheel(
    canvas: Canvas, x: float, radius: float, squeeze: float, tyre: float, inner: Colour,
    label: int,
) -> None:
    """A wheel turned away by the factor `squeeze`; its inside belongs to the class as well."""
    half = max(squeeze, 0.16)
    for r, colour in ((radius, (28, 28, 30)), (radius - tyre, inner)):
        canvas.cutout([(x + half * px, py) for px, py in circle(0, radius, r)], colour, label)


def _bicycle(canvas: Canvas, style: Style, turn: float) -> None:
    """A bicycle seen at the angle `turn` (radians; 0 from behind, pi / 2 from its side)."""
    frame = style.pick('cycle', 0.1)
    squeeze, facing = abs(sin(turn)), 1.0 if turn > 0 else -1.0
    inner = tint(style.pick('asphalt'), 0.78)

    def at(x: float, y: float) -> tuple[float, float]:
        return facing * squeeze * x, y

    for x in (-0.52, 0.52):
        _wheel(canvas, at(x, 0)[0], 0.35, squeeze, 0.075, inner, labels.BICYCLE)
    tubes = (((-0.52, 0.35), (-0.08, 0.33)), ((-0.08, 0.33), (-0.2, 0.92)),
             ((-0.08, 0.33), (0.4, 0.8)), ((-0.18, 0.78), (0.4, 0.8)),
             ((-0.52, 0.35), (-0.18, 0.78)), ((0.52, 0.35), (0.36, 1.02)))
    for a, b in tubes:
        canvas.cutout(stroke(at(*a), at(*b), 0.065), frame, labels.BICYCLE)
    across = 0.26 * abs(cos(turn)) + 0.05
    x, y = at(0.36, 1.03)
    canvas.cutout(stroke((x - across, y), (x + across, y), 0.06), (40, 40, 42), labels.BICYCLE)
    x, y = at(-0.22, 0.95)
    canvas.cutout(stroke((x - 0.13, y), (x + 0.13, y), 0.08), (30, 28, 28), labels.BICYCLE)


def _motorcycle(canvas: Canvas, style: Style, turn: float) -> None:
    """A motorcycle seen at the angle `turn`; heavier wheels and a closed body."""
    paint, metal = style.pick('cycle', 0.1), style.pick('metal')
    squeeze, facing = abs(sin(turn)), 1.0 if turn > 0 else -1.0
    thick = 0.14 * abs(cos(turn))

    def at(x: float, y: float) -> tuple[float, float]:
        return facing * (squeeze * x), y

    def part(points: list[tuple[float, float]], colour: Colour) -> None:
        canvas.cutout([at(*p) for p in points], colour, labels.MOTORCYCLE, Material.METAL)

    for x in (-0.66, 0.66):
        _wheel(canvas, at(x, 0)[0], 0.31, squeeze, 0.11, tint(metal, 0.7), labels.MOTORCYCLE)
    wide = thick / max(squeeze, 0.3)
    part([(-0.3 - wide, 0.25), (-0.3 - wide, 0.6), (0.35 + wide, 0.65), (0.3 + wide, 0.22)],
         tint(metal, 0.45))
    part([(-0.85 - wide, 0.66), (-0.8 - wide, 0.82), (-0.1, 0.84), (0.1, 0.98), (0.42, 0.96),
          (0.5 + wide, 0.74), (0.1, 0.56), (-0.4, 0.58)], paint)
    part([(-0.72, 0.8), (-0.7, 0.9), (-0.1, 0.88), (-0.1, 0.8)], (28, 26, 26))
    fork = (at(0.66, 0.31), at(0.42, 1.02))
    canvas.cutout(stroke(*fork, 0.09), metal, labels.MOTORCYCLE)
    x, y = at(0.42, 1.04)
    across = 0.34 * abs(cos(turn)) + 0.07
    canvas.cutout(stroke((x - across, y), (x + across, y), 0.07), (36, 36, 38),
                  labels.MOTORCYCLE)
    canvas.cutout(circle(*at(0.56, 0.88), 0.11, 8), (240, 238, 220), labels.MOTORCYCLE)
