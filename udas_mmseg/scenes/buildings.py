"""Houses: facades with windows, shop fronts and roofs.

Local frame: the near corner on the street side is the origin, z runs along the street; the house
lies on the side `sign` of it (1: to the right of the street).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import labels
from .canvas import Canvas, Colour, Material, Panel, tint
from .style import Style


@dataclass(frozen=True)
class _Front:
    """How a house's facades look."""

    floors: int
    storey: float  # metres
    pitch: float  # metres from one window axis to the next
    window: tuple[float, float]  # share of the pitch, share of the storey
    framed: bool
    banded: bool  # one ribbon of glass a storey instead of single windows
    shop: bool
    wall: Colour
    base: Colour
    trim: Colour
    glass: tuple[Colour, Colour]
    awning: Colour
    door: Colour


def paint_building(
    canvas: Canvas, style: Style, sign: int, length: float, depth: float, detail: bool
) -> None:
    """Paint a house of `length` x `depth` metres.

    Args:
        canvas: Placed at the near corner on the street side.
        style: The domain's style.
        sign: 1 right of the street, -1 left of it.
        length: Along the street, metres.
        depth: Away from the street, metres.
        detail: Whether windows are near enough to be seen.
    """
    front = _draw_front(style)
    height = front.floors * front.storey + 0.4
    if sign > 0:
        street = Panel(canvas, (0, 0, length), (0, -1), labels.BUILDING, Material.FACADE)
        near = Panel(canvas, (0, 0, 0), (1, 0), labels.BUILDING, Material.FACADE)
    else:
        street = Panel(canvas, (0, 0, 0), (0, 1), labels.BUILDING, Material.FACADE)
        near = Panel(canvas, (-depth, 0, 0), (1, 0), labels.BUILDING, Material.FACADE)
    far = Panel(canvas, (max(sign * depth, 0), 0, length), (-1, 0), labels.BUILDING,
                Material.FACADE)
    canvas.cast_shadow(depth / 2, length / 2, height, sign * depth / 2, length / 2)
    far.rect(0, 0, depth, height, front.wall)
    pitched = style.chance(0.75) if style.real else style.chance(0.15)
    if pitched:
        _pitched_roof(canvas, style, sign, length, depth, height, front.wall)
    for panel, width in ((near, depth), (street, length)):
        panel.rect(0, 0, width, height, front.wall)
        if detail:
            _windows(panel, style, front, width)
        if not pitched:
            panel.rect(0, height - 0.45, width, height + 0.25, tint(front.trim, 0.9))
    if detail:
        _ground_floor(street, style, front, length)


def _draw_front(style: Style) -> _Front:
    wall = style.pick('facade')
    return _Front(
        floors=int(style.uniform(2, 6)) if style.real else int(style.uniform(2, 7)),
        storey=style.uniform(2.9, 3.5),
        pitch=style.uniform(1.9, 2.8) if style.real else style.uniform(2.6, 3.8),
        window=(style.uniform(0.4, 0.55), style.uniform(0.5, 0.64)) if style.real
        else (style.uniform(0.55, 0.75), style.uniform(0.45, 0.6)),
        framed=style.chance(0.7), banded=style.chance(0.1 if style.real else 0.35),
        shop=style.chance(0.4), wall=wall, base=tint(wall, style.uniform(0.72, 0.92)),
        trim=style.pick('trim'), glass=(style.pick('glass'), style.pick('glass')),
        awning=style.pick('awning'), door=style.pick('door'))


def _windows(panel: Panel, style: Style, front: _Front, width: float) -> None:
    if front.banded:
        rows = np.arange(1, front.floors, dtype=np.float32) * front.storey + 0.9
        bands = np.stack([np.full_like(rows, 0.5), rows,
                          np.full_like(rows, width - 0.5), rows + front.storey * 0.45], axis=1)
        panel.rects(bands, front.glass[0], Material.GLASS)
        return
    boxes = _grid(front, width)
    if len(boxes) == 0:
        return
    if front.framed:
        panel.rects(boxes + np.array([-0.14, -0.16, 0.14, 0.12], np.float32), front.trim)
    second = style.rng.random(len(boxes)) < 0.3
    panel.rects(boxes[~second], front.glass[0], Material.GLASS)
    panel.rects(boxes[second], front.glass[1], Material.GLASS)
    if style.real:
        middle = (boxes[:, 0] + boxes[:, 2]) / 2
        bars = np.stack([middle - 0.04, boxes[:, 1], middle + 0.04, boxes[:, 3]], axis=1)
        panel.rects(bars, front.trim)


def _grid(front: _Front, width: float) -> NDArray[np.float32]:
    """Window boxes (K, 4) of all storeys above the ground floor."""
    axes = max(int((width - 0.8) / front.pitch), 1)
    half = front.window[0] * front.pitch / 2
    u = (np.arange(axes) + 0.5) * (width / axes)
    v = np.arange(1, front.floors) * front.storey + 0.3 * front.storey
    uu, vv = np.meshgrid(u, v)
    top = vv + front.window[1] * front.storey
    return np.stack([uu - half, vv, uu + half, top], axis=2).reshape(-1, 4).astype(np.float32)


def _ground_floor(panel: Panel, style: Style, front: _Front, length: float) -> None:
    storey = front.storey
    panel.rect(0, 0, length, 0.9 * storey if front.shop else 0.6, front.base)
    door = style.uniform(0.15, 0.85) * (length - 2)
    if front.shop:
        panel.rect(0.6, 0.5, length - 0.6, 0.72 * storey, front.glass[0], Material.GLASS)
        panel.rect(0.5, 0.72 * storey, length - 0.5, 0.95 * storey, front.awning)
    else:
        single = _Front(**{**front.__dict__, 'floors': 2})
        panel.rects(_grid(single, length) - np.array([0, storey, 0, storey], np.float32),
                    front.glass[0], Material.GLASS)
    panel.rect(door, 0, door + 1.3, 2.2, front.door)


def _pitched_roof(
    canvas: Canvas, style: Style, sign: int, length: float, depth: float, height: float,
    wall: Colour,
) -> None:
    """A saddle roof; its ridge runs along the street."""
    rise, eave = style.uniform(2.0, 4.0), 0.4
    colour = style.pick('roof')
    left, right = sorted((0.0, sign * depth))
    middle = (left + right) / 2
    top = height + rise
    gable = [(left, height, 0), (middle, top, 0), (right, height, 0)]
    canvas.polygon([(x, y, length) for x, y, _ in reversed(gable)], wall, labels.BUILDING,
                   Material.FACADE)
    canvas.polygon([(left - eave, height - 0.3, 0), (left - eave, height - 0.3, length),
                    (middle, top, length), (middle, top, 0)],
                   colour, labels.BUILDING, Material.BRICK)
    canvas.polygon([(middle, top, 0), (middle, top, length),
                    (right + eave, height - 0.3, length), (right + eave, height - 0.3, 0)],
                   colour, labels.BUILDING, Material.BRICK)
    canvas.polygon(gable, wall, labels.BUILDING, Material.FACADE)
    if style.chance(0.5):
        z = style.uniform(0.2, 0.7) * length
        chimney = Panel(canvas, (middle - 0.4, top - 0.6, z), (1, 0), labels.BUILDING)
        chimney.rect(0, 0, 0.8, 1.6, tint(wall, 0.8))
