"""The street's ground plan and its painting: terrain, pavements, carriageway, markings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import atan, cos, sin

import numpy as np
from numpy.typing import NDArray

from . import labels
from .canvas import Canvas, Colour, Material, tint
from .style import Style

HORIZON = 260.0  # metres; where the ground's strips end
_STATIONS = np.array([0.6, 4, 8, 13, 20, 30, 45, 65, 90, 130, 180, HORIZON])


@dataclass(frozen=True)
class Side:
    """One side of the street, widths in metres.

    Attributes:
        lanes: Number of lanes.
        parking: Width of the parking strip; 0 if there is none.
        verge: Width of the grass between kerb and pavement; 0 if there is none.
        pavement: Width of the sidewalk.
    """

    lanes: int
    parking: float
    verge: float
    pavement: float


@dataclass(frozen=True)
class Street:
    """A street in road coordinates: s metres to the right of the centre line, z metres ahead.

    Attributes:
        left, right: The sides; traffic keeps to the right.
        lane: Lane width.
        curvature: 1 / metres, positive to the right.
        crossing: z of the crossing street's centre, or None.
        crossing_half: Half of the crossing street's width.
        rails: Whether tram rails lie in the lane left of the centre line.
    """

    left: Side
    right: Side
    lane: float
    curvature: float
    crossing: float | None
    crossing_half: float
    rails: bool

    def side(self, sign: int) -> Side:
        """The right side for sign 1, the left one for -1."""
        return self.right if sign > 0 else self.left

    def kerb(self, sign: int) -> float:
        """Distance of the kerb from the centre line."""
        side = self.side(sign)
        return side.lanes * self.lane + side.parking

    def edge(self, sign: int) -> float:
        """Distance of the lots from the centre line."""
        side = self.side(sign)
        return self.kerb(sign) + side.verge + side.pavement

    def at(self, s: float, z: float) -> tuple[float, float, float]:
        """Road coordinates to world x, world z and the road's heading."""
        heading = atan(self.curvature * z)
        return (self.curvature * z * z / 2 + s * cos(heading), z - s * sin(heading), heading)

    def in_crossing(self, z0: float, z1: float, margin: float = 0.0) -> bool:
        """Whether [z0, z1] touches the crossing street, widened by `margin` metres."""
        if self.crossing is None:
            return False
        reach = self.crossing_half + margin
        return z1 > self.crossing - reach and z0 < self.crossing + reach


def draw_street(style: Style, lane_of_camera: int) -> Street:
    """Draw a ground plan.

    Args:
        style: The domain's style with the scene's generator.
        lane_of_camera: Number of lanes that the right side needs at least.

    Returns:
        Street: The plan.
    """
    lanes = 1 + int(style.chance(0.35))
    sides = []
    for _ in range(2):
        parking = style.uniform(2.1, 2.5) if style.chance(0.55) else 0.0
        verge = style.uniform(1.0, 2.6) if style.chance(0.4) else 0.0
        sides.append((parking, verge, style.uniform(2.2, 4.2)))
    return Street(
        left=Side(lanes, *sides[0]), right=Side(max(lanes, lane_of_camera), *sides[1]),
        lane=style.uniform(3.1, 3.6), curvature=style.uniform(-0.0035, 0.0035),
        crossing=style.uniform(18.0, 50.0) if style.chance(0.7) else None,
        crossing_half=style.uniform(3.4, 5.5), rails=style.chance(0.3))


def paint_ground(canvas: Canvas, street: Street, style: Style) -> None:
    """Paint everything flat, from the terrain up to the lane markings."""
    canvas.place(0.0, 0.0, 0.0)
    grass = style.pick('grass')
    plane = [(-400, 0, 0.6), (-400, 0, 400), (400, 0, 400), (400, 0, 0.6)]
    canvas.polygon(plane, tint(grass, 0.96), labels.TERRAIN, Material.GRASS)
    paving, kerb, asphalt = style.pick('sidewalk'), style.pick('kerb'), style.pick('asphalt')
    for sign in (-1, 1):
        side = street.side(sign)
        border = street.kerb(sign)
        _strip(canvas, street, sign * border, sign * street.edge(sign), paving,
               labels.SIDEWALK, Material.PAVING)
        if side.verge:
            _strip(canvas, street, sign * (border + 0.35), sign * (border + side.verge), grass,
                   labels.TERRAIN, Material.GRASS)
        _strip(canvas, street, sign * border, sign * (border + 0.22), kerb, labels.SIDEWALK,
               Material.PAVING)
    _strip(canvas, street, -street.kerb(-1), street.kerb(1), asphalt, labels.ROAD,
           Material.ASPHALT)
    for sign in (-1, 1):
        if street.side(sign).parking:
            border = street.kerb(sign)
            _strip(canvas, street, sign * (border - street.side(sign).parking), sign * border,
                   tint(asphalt, 0.93), labels.ROAD, Material.ASPHALT)
    _markings(canvas, street, style)
    if street.crossing is not None:
        _crossing(canvas, street, style, asphalt, paving, kerb)


def paint_lot(
    canvas: Canvas, street: Street, sign: int, z: tuple[float, float], depth: float,
    colour: Colour, label: int, material: int,
) -> None:
    """Paint the ground of a lot beside the pavement."""
    canvas.place(0.0, 0.0, 0.0)
    edge = street.edge(sign)
    _strip(canvas, street, sign * edge, sign * (edge + depth), colour, label, material, *z)


def _strip(
    canvas: Canvas, street: Street, s0: float, s1: float, colour: Colour, label: int,
    material: int, z0: float = 0.6, z1: float = HORIZON,
) -> None:
    """A band of ground between two lines along the road."""
    inner = _STATIONS[(z0 < _STATIONS) & (z1 > _STATIONS)]
    stations = np.concatenate([[z0], inner, [z1]])
    low, high = min(s0, s1), max(s0, s1)
    left = _line(street, low, stations)
    right = _line(street, high, stations)
    quads = np.stack([left[:-1], left[1:], right[1:], right[:-1]], axis=1)
    canvas.polygons(quads, colour, label, material)


def _line(street: Street, s: float, stations: NDArray[np.float64]) -> NDArray[np.float32]:
    heading = np.arctan(street.curvature * stations)
    x = street.curvature * stations**2 / 2 + s * np.cos(heading)
    z = stations - s * np.sin(heading)
    return np.stack([x, np.zeros_like(x), z], axis=1).astype(np.float32)


def _dashes(street: Street, length: float, gap: float, limit: float) -> Iterator[
        tuple[float, float]]:
    z = 2.0
    while z < limit:
        if not street.in_crossing(z, z + length, margin=4.5):
            yield z, z + length
        z += length + gap


def _markings(canvas: Canvas, street: Street, style: Style) -> None:
    white = style.pick('marking')
    centre = white if style.real else style.pick('marking_yellow')

    def line(s: float, z0: float, z1: float, width: float, colour: Colour) -> None:
        _strip(canvas, street, s - width / 2, s + width / 2, colour, labels.ROAD,
               Material.ASPHALT, z0, z1)

    solid = style.chance(0.4)
    dashes = [(2.0, 90.0)] if solid else list(_dashes(street, 3.0, 4.0, 90.0))
    for z0, z1 in dashes:
        line(0.0, z0, z1, 0.16, centre)
        if solid and not style.real:
            line(0.3, z0, z1, 0.14, centre)
    for sign in (-1, 1):
        for k in range(1, street.side(sign).lanes):
            for z0, z1 in _dashes(street, 3.0, 5.0, 80.0):
                line(sign * k * street.lane, z0, z1, 0.14, white)
        if street.side(sign).parking or style.chance(0.5):
            line(sign * (street.side(sign).lanes * street.lane - 0.12), 0.6, 120.0, 0.12, white)
    if street.rails:
        rail: Colour = (92, 88, 86) if style.real else (60, 58, 66)
        for s in (-street.lane / 2 - 0.72, -street.lane / 2 + 0.72):
            line(s, 0.6, 180.0, 0.11, rail)


def _crossing(
    canvas: Canvas, street: Street, style: Style, asphalt: Colour, paving: Colour, kerb: Colour
) -> None:
    """The side street, its pavements, and the zebra and stop line in front of it."""
    assert street.crossing is not None
    centre, half = street.crossing, street.crossing_half
    left, right = -street.edge(-1), street.edge(1)
    for s0, s1 in ((-120.0, left), (right, 120.0)):
        for z0, z1, colour in ((centre - half - 2.6, centre + half + 2.6, paving),
                               (centre - half - 0.25, centre + half + 0.25, kerb)):
            _strip(canvas, street, s0, s1, colour, labels.SIDEWALK, Material.PAVING, z0, z1)
    _strip(canvas, street, -120.0, 120.0, asphalt, labels.ROAD, Material.ASPHALT,
           centre - half, centre + half)
    white = style.pick('marking')
    z0 = centre - half - 3.4
    stripes = np.arange(-street.kerb(-1) + 0.5, street.kerb(1) - 0.6, 1.05)
    for s in stripes.tolist():
        _strip(canvas, street, s, s + 0.55, white, labels.ROAD, Material.ASPHALT, z0, z0 + 2.6)
    _strip(canvas, street, 0.2, street.kerb(1) - street.right.parking, white, labels.ROAD,
           Material.ASPHALT, z0 - 1.4, z0 - 1.0)
