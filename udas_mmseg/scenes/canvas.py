"""A list of world-space polygons with colour, label and material, painted in order."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from math import cos, sin

import numpy as np
from numpy.typing import ArrayLike, NDArray

Colour = tuple[float, float, float]  # RGB, 0-255


class Material(IntEnum):
    """What a surface is made of: selects its texture."""

    FLAT = 0
    ASPHALT = 1
    PAVING = 2
    GRASS = 3
    FACADE = 4
    LEAVES = 5
    METAL = 6
    GLASS = 7
    CLOTH = 8
    BRICK = 9


class Canvas:
    """Collects polygons in painting order (far to near).

    Polygons are given in the local frame of the object being drawn: x right, y up, z forward,
    metres; :meth:`place` puts that frame on the ground. A polygon's corners run clockwise as seen
    from outside; seen from behind it is not painted (unless `two_sided`).
    """

    def __init__(self) -> None:
        self.points: list[NDArray[np.float32]] = []
        self.sizes: list[int] = []
        self.colours: list[Colour] = []
        self.labels: list[int] = []
        self.materials: list[int] = []
        self.lit: list[bool] = []
        self.two_sided: list[bool] = []
        self.frame_of: list[int] = []
        self.frames: list[tuple[float, float, float, float]] = []
        self.shadow_casters: list[tuple[int, float, float, float, float, float]] = []
        self.place(0.0, 0.0, 0.0)

    def place(self, x: float, z: float, heading: float) -> None:
        """Start an object at (x, z); `heading` in radians, 0 along +Z, positive to the right."""
        self.frames.append((x, z, cos(heading), sin(heading)))

    def polygon(
        self, points: ArrayLike, colour: Colour, label: int, material: int = Material.FLAT, *,
        lit: bool = True, two_sided: bool = False,
    ) -> None:
        """Paint one polygon.

        Args:
            points: (n, 3) corners in the current frame.
            colour: RGB, 0-255, before light.
            label: Cityscapes label id.
            material: Selects the texture.
            lit: Whether the sun shades it by its normal. Flat cut-outs (people, trees) are not.
            two_sided: Whether it is painted from behind, too.
        """
        self.polygons(np.asarray(points, np.float32)[None], colour, label, material,
                      lit=lit, two_sided=two_sided)

    def polygons(
        self, points: NDArray[np.float32], colour: Colour, label: int,
        material: int = Material.FLAT, *, lit: bool = True, two_sided: bool = False,
    ) -> None:
        """Paint several polygons (K, n, 3) that look alike; see :meth:`polygon`."""
        count, size = points.shape[:2]
        if count == 0:
            return
        self.points.append(points.reshape(-1, 3))
        self.sizes += [size] * count
        self.colours += [colour] * count
        self.labels += [label] * count
        self.materials += [int(material)] * count
        self.lit += [lit] * count
        self.two_sided += [two_sided] * count
        self.frame_of += [len(self.frames) - 1] * count

    def cutout(
        self, points: ArrayLike, colour: Colour, label: int, material: int = Material.FLAT,
        z: float = 0.0,
    ) -> None:
        """Paint flat shapes (n, 2) or (K, n, 2) in the frame's x-y plane, seen from both sides."""
        flat = np.asarray(points, np.float32)
        flat = flat[None] if flat.ndim == 2 else flat
        solid = np.concatenate([flat, np.full((*flat.shape[:2], 1), z, np.float32)], axis=2)
        self.polygons(solid, colour, label, material, lit=False, two_sided=True)

    def cast_shadow(
        self, half_width: float, half_length: float, height: float, x: float = 0.0, z: float = 0.0
    ) -> None:
        """Let a box on the ground, centred at (x, z) of the current frame, shade the ground."""
        self.shadow_casters.append((len(self.frames) - 1, x, z, half_width, half_length, height))


def circle(
    cx: float, cy: float, radius: float, corners: int = 12
) -> list[tuple[float, float]]:
    """A regular polygon of `corners` points around (cx, cy)."""
    step = 2 * np.pi / corners
    return [(cx + radius * sin(k * step), cy + radius * cos(k * step)) for k in range(corners)]


def stroke(
    a: tuple[float, float], b: tuple[float, float], width: float
) -> list[tuple[float, float]]:
    """The rectangle of a line from a to b."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    scale = width / 2 / max((dx * dx + dy * dy) ** 0.5, 1e-6)
    ox, oy = -dy * scale, dx * scale
    return [(a[0] + ox, a[1] + oy), (b[0] + ox, b[1] + oy),
            (b[0] - ox, b[1] - oy), (a[0] - ox, a[1] - oy)]


def tint(colour: Colour, factor: float) -> Colour:
    """A darker (factor < 1) or lighter colour, kept within 0-255."""
    r, g, b = colour
    return min(r * factor, 255.0), min(g * factor, 255.0), min(b * factor, 255.0)


class Panel:
    """A vertical rectangle of an object, to draw on in its own coordinates.

    Args:
        canvas: What to paint on.
        origin: Lower left corner as seen from outside, local coordinates (x, y, z).
        right: Unit vector (x, z) to the right as seen from outside.
        label: Cityscapes label id of everything drawn on it.
        material: Default material.
    """

    def __init__(
        self, canvas: Canvas, origin: tuple[float, float, float], right: tuple[float, float],
        label: int, material: int = Material.FLAT,
    ) -> None:
        self._canvas = canvas
        self._origin = np.array(origin, np.float32)
        self._axes = np.array([[right[0], 0, right[1]], [0, 1, 0]], np.float32)
        self._label = label
        self._material = material

    def shape(
        self, points: Sequence[tuple[float, float]], colour: Colour, material: int | None = None
    ) -> None:
        """A polygon (u right, v up), clockwise as seen from outside."""
        solid = np.array(points, np.float32) @ self._axes + self._origin
        self._canvas.polygon(
            solid, colour, self._label, self._material if material is None else material)

    def rect(
        self, u0: float, v0: float, u1: float, v1: float, colour: Colour,
        material: int | None = None,
    ) -> None:
        """A rectangle between (u0, v0) and (u1, v1)."""
        self.shape([(u0, v0), (u0, v1), (u1, v1), (u1, v0)], colour, material)

    def rects(
        self, boxes: NDArray[np.float32], colour: Colour, material: int | None = None
    ) -> None:
        """Rectangles (K, 4) as u0, v0, u1, v1."""
        corners = boxes[:, [0, 1, 0, 3, 2, 3, 2, 1]].reshape(-1, 4, 2)
        self._canvas.polygons(
            corners @ self._axes + self._origin, colour, self._label,
            self._material if material is None else material)


def box(
    canvas: Canvas, low: tuple[float, float, float], high: tuple[float, float, float],
    colour: Colour, label: int, material: int = Material.FLAT, top: Colour | None = None,
) -> None:
    """A cuboid between two local corners, without a bottom."""
    (x0, y0, z0), (x1, y1, z1) = low, high
    sides = np.array([
        [(x0, y0, z0), (x0, y1, z0), (x1, y1, z0), (x1, y0, z0)],
        [(x1, y0, z1), (x1, y1, z1), (x0, y1, z1), (x0, y0, z1)],
        [(x0, y0, z1), (x0, y1, z1), (x0, y1, z0), (x0, y0, z0)],
        [(x1, y0, z0), (x1, y1, z0), (x1, y1, z1), (x1, y0, z1)],
    ], np.float32)
    canvas.polygons(sides, colour, label, material)
    lid = [(x0, y1, z0), (x0, y1, z1), (x1, y1, z1), (x1, y1, z0)]
    canvas.polygon(lid, colour if top is None else top, label, material)


def extrude(
    canvas: Canvas, profile: Sequence[tuple[float, float]], half_width: float,
    colours: Sequence[Colour], side: Colour, label: int, material: int = Material.METAL,
) -> None:
    """A prism across the local x axis.

    Args:
        canvas: What to paint on.
        profile: (z, y) corners, clockwise as seen from the right side of the object.
        half_width: Metres.
        colours: One for each edge of the profile, from corner k to corner k + 1.
        side: Colour of the two profile faces.
        label: Cityscapes label id.
        material: Selects the texture.
    """
    for k, colour in enumerate(colours):
        (za, ya), (zb, yb) = profile[k], profile[(k + 1) % len(profile)]
        w = half_width
        canvas.polygon([(-w, ya, za), (-w, yb, zb), (w, yb, zb), (w, ya, za)],
                       colour, label, material)
    canvas.polygon([(half_width, y, z) for z, y in profile], side, label, material)
    canvas.polygon([(-half_width, y, z) for z, y in reversed(profile)], side, label, material)
