"""Trees, hedges and the wooded horizon."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from . import labels
from .canvas import Canvas, Colour, Material, box, stroke, tint
from .style import Style

_ANGLES = np.arange(9) * (2 * np.pi / 9)
_UNIT = np.stack([np.sin(_ANGLES), np.cos(_ANGLES)], axis=1).astype(np.float32)


def _blobs(
    style: Style, centres: NDArray[np.float32], radii: NDArray[np.float32], ragged: float
) -> NDArray[np.float32]:
    """Irregular leaf masses (K, 9, 2) around the centres (K, 2)."""
    wobble = 1 + ragged * (style.rng.random((len(centres), 9, 1), np.float32) * 2 - 1)
    return centres[:, None] + radii[:, None, None] * _UNIT * wobble


def _leaves(
    canvas: Canvas, style: Style, centres: NDArray[np.float32], radii: NDArray[np.float32],
    colour: Colour, ragged: float,
) -> None:
    """Three layers: the dark mass, its body, and the sunlit upper parts."""
    lift = radii[:, None] * np.array([0.0, 0.22], np.float32)
    layers = ((0.70, 1.0, 0.0), (0.98, 0.82, 0.6), (1.24, 0.46, 1.4))
    for tone, scale, up in layers:
        shapes = _blobs(style, centres + up * lift, radii * np.float32(scale), ragged)
        canvas.cutout(shapes, tint(colour, tone), labels.VEGETATION, Material.LEAVES)


def paint_tree(canvas: Canvas, style: Style, height: float) -> None:
    """A tree at the current place; conical or ragged if real, a round crown if simulated."""
    colour = style.pick('foliage', 0.14)
    trunk = style.pick('trunk')
    width = 0.035 * height + 0.06
    bare = style.uniform(0.22, 0.34) * height
    canvas.cutout(stroke((0, 0), (0, bare * 1.5), width), trunk, labels.VEGETATION)
    kind: Literal['round', 'cone', 'oval'] = 'round'
    if style.real:
        kind = 'cone' if style.chance(0.4) else 'oval'
    centres, radii = _crown(style, kind, bare, height)
    spread = float(np.abs(centres[:, 0]).max() + radii.max())
    canvas.cast_shadow(spread * 0.7, spread * 0.7, height * 0.85)
    _leaves(canvas, style, centres, radii, colour, 0.34 if style.real else 0.12)


def _crown(
    style: Style, kind: str, bare: float, height: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Centres (K, 2) and radii (K,) of the leaf masses between `bare` and `height`."""
    span = height - bare
    rng = style.rng
    if kind == 'cone':
        level = np.linspace(0.08, 0.94, 8, dtype=np.float32)
        radii = span * (0.26 * (1 - level) + 0.05)
        x = (rng.random(8, np.float32) - 0.5) * radii * 0.7
        return np.stack([x, bare + level * span], axis=1), radii
    count = 7 if kind == 'round' else 11
    angle = np.arange(count, dtype=np.float32) * (2 * np.pi / count) + rng.random(
        count, np.float32) * 0.5
    reach = span * (0.26 if kind == 'round' else 0.3)
    x = np.sin(angle) * reach * (1.05 if kind == 'round' else 0.95)
    y = bare + span * 0.5 + np.cos(angle) * reach
    radii = span * (0.2 + 0.06 * rng.random(count, np.float32))
    if kind == 'oval':
        radii = radii * 0.85
    middle = np.array([[0, bare + span * 0.5]], np.float32)
    centres = np.concatenate([middle, np.stack([x, y], axis=1)])
    return centres, np.concatenate([[span * 0.3], radii]).astype(np.float32)


def paint_hedge(canvas: Canvas, style: Style, sign: int, length: float, height: float) -> None:
    """A hedge along the street from the current place on; it lies on the side `sign`."""
    colour = style.pick('foliage', 0.14)
    low, high = sorted((0.0, sign * 1.2))
    ragged = 0.22 if style.real else 0.06
    box(canvas, (low, 0, 0), (high, height, length), tint(colour, 0.9), labels.VEGETATION,
        Material.LEAVES, top=tint(colour, 1.2))
    count = max(int(length / 1.6), 2)
    for z in np.linspace(length, 0.3, count).tolist():
        centres = np.array([[(low + high) / 2, height * 0.92]], np.float32)
        shapes = _blobs(style, centres, np.full(1, 0.55 + ragged, np.float32), ragged)
        canvas.cutout(shapes, tint(colour, style.uniform(0.85, 1.2)), labels.VEGETATION,
                      Material.LEAVES, z=z)


def paint_bush(canvas: Canvas, style: Style, height: float) -> None:
    """A low shrub."""
    count = 5
    x = np.linspace(-0.6, 0.6, count, dtype=np.float32) * height
    y = height * (0.35 + 0.2 * style.rng.random(count, np.float32))
    radii = np.full(count, 0.42 * height, np.float32)
    _leaves(canvas, style, np.stack([x, y], axis=1), radii, style.pick('foliage', 0.14),
            0.3 if style.real else 0.1)


def paint_horizon(canvas: Canvas, style: Style) -> None:
    """The far end of the street: woods and roofs in one line."""
    canvas.place(0.0, 300.0, 0.0)
    hills = style.pick('hills')
    steps = np.linspace(-330, 330, 45, dtype=np.float32)
    tops = 9 + 10 * style.rng.random(45, np.float32)
    outline = np.concatenate([
        np.stack([steps, tops], axis=1), np.array([[330, -2], [-330, -2]], np.float32)])
    canvas.cutout(outline, hills, labels.VEGETATION, Material.LEAVES)
    for _ in range(int(style.uniform(3, 9))):
        x, w, h = style.uniform(-200, 200), style.uniform(14, 34), style.uniform(10, 30)
        canvas.cutout([(x, 0), (x, h), (x + w, h), (x + w, 0)], style.pick('facade'),
                      labels.BUILDING, Material.FACADE)
