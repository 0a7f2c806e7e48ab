"""Random layouts of street scenes, as lists of things ordered from far to near."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import pi

import numpy as np

from . import labels
from .buildings import paint_building
from .canvas import Canvas, Material, tint
from .furniture import paint_bin, paint_fence, paint_lamp, paint_post, paint_sign, paint_traffic_light, paint_wall
from .greenery import paint_bush, paint_hedge, paint_tree
from .people import paint_bicycle, paint_motorcycle, paint_person, paint_rider
from .street import Street, paint_lot
from .style import Style
from .vehicles import paint_bus, paint_car, paint_tram, paint_truck

_VEHICLE_LENGTH = {'car': 4.6, 'truck': 9.0, 'bus': 12.0}
_VEHICLES = {'car': paint_car, 'truck': paint_truck, 'bus': paint_bus}


@dataclass(frozen=True)
class Thing:
    """An object to paint, in road coordinates.

    Attributes:
        s, z: Position of its local origin: metres to the right and ahead.
        turn: Its heading relative to the road, radians.
        extent: Its box in road coordinates: s0, s1, z0, z1.
        paint: Function that paints it at the canvas' current place.
    """

    s: float
    z: float
    turn: float
    extent: tuple[float, float, float, float]
    paint: Callable[[Canvas, Style], None]


class Layout:
    """Draws the things of one scene.

    Args:
        street: The ground plan.
        style: The domain's style with the scene's generator.
        canvas: The ground of the lots is painted on it immediately; the things are returned.
    """

    def __init__(self, street: Street, style: Style, canvas: Canvas) -> None:
        self._street = street
        self._style = style
        self._canvas = canvas
        self._things: list[Thing] = []

    def draw(self) -> list[Thing]:
        """Return all things, in no particular order."""
        for sign in (-1, 1):
            self._lots(sign)
            self._kerbside(sign)
            self._parked(sign)
            self._pedestrians(sign)
        self._traffic()
        self._at_crossing()
        return self._things

    def _add(
        self, s: float, z: float, paint: Callable[[Canvas, Style], None], *,
        half: tuple[float, float] = (0.3, 0.2), turn: float = 0.0,
    ) -> None:
        """Add a thing centred at (s, z) with half extents (across, along) in metres."""
        extent = (s - half[0], s + half[0], z - half[1], z + half[1])
        self._things.append(Thing(s, z, turn, extent, paint))

    def _add_along(
        self, s: float, z: float, sign: int, width: float, length: float,
        paint: Callable[[Canvas, Style], None],
    ) -> None:
        """Add a thing that begins at (s, z) and extends away from the road and along it."""
        low, high = sorted((s, s + sign * width))
        self._things.append(Thing(s, z, 0.0, (low, high, z, z + length), paint))

    def _lots(self, sign: int) -> None:
        """Houses, gardens and parks along the street."""
        style, street = self._style, self._street
        z = style.uniform(-6.0, 4.0)
        green = style.uniform(0.15, 0.7)
        while z < 170:
            length = style.uniform(9.0, 20.0)
            if street.in_crossing(z, z + length, margin=2.8):
                assert street.crossing is not None
                before = street.crossing - street.crossing_half - 3.0 - z
                if before < 5:
                    z = street.crossing + street.crossing_half + 3.0
                    continue
                length = min(length, before)
            if style.chance(green):
                self._garden(sign, z, length)
            else:
                self._house(sign, z, length)
            z += length + (style.uniform(0.5, 5.0) if style.chance(0.35) else 0.0)

    def _house(self, sign: int, z: float, length: float) -> None:
        style, street = self._style, self._street
        setback = style.uniform(0.0, 5.0) if style.chance(0.4) else 0.0
        s, depth = sign * (street.edge(sign) + setback), style.uniform(8.0, 13.0)
        if setback > 2:
            paint_lot(self._canvas, street, sign, (max(z, 0.6), z + length), setback,
                      style.pick('grass'), labels.TERRAIN, Material.GRASS)
            self._boundary(sign, z, length)
        elif setback > 0:
            paint_lot(self._canvas, street, sign, (max(z, 0.6), z + length), setback,
                      tint(style.pick('sidewalk'), 0.95), labels.SIDEWALK, Material.PAVING)
        self._add_along(s, z, sign, depth, length, partial(
            paint_building, sign=sign, length=length, depth=depth, detail=z < 95))

    def _boundary(self, sign: int, z: float, length: float) -> None:
        """A wall, a fence, a hedge, or nothing between pavement and lot."""
        style, s = self._style, sign * (self._street.edge(sign) + 0.15)
        kind = style.uniform(0, 1)
        if kind < 0.34:
            self._add_along(s, z, sign, 0.35, length, partial(
                paint_wall, sign=sign, length=length))
        elif kind < 0.68:
            self._add_along(s, z, sign, 0.1, length, partial(
                paint_fence, sign=sign, length=length))
        elif kind < 0.84:
            self._add_along(s, z, sign, 1.2, length, partial(
                paint_hedge, sign=sign, length=length, height=style.uniform(0.9, 1.9)))

    def _garden(self, sign: int, z: float, length: float) -> None:
        style, street = self._style, self._street
        self._boundary(sign, z, length)
        edge = street.edge(sign)
        for _ in range(int(style.uniform(3, 7))):
            s, at = sign * (edge + style.uniform(3.0, 14.0)), z + style.uniform(0.5, length - 0.5)
            self._add(s, at, partial(paint_tree, height=style.uniform(5.0, 10.0)))
        for _ in range(int(style.uniform(0, 3))):
            s, at = sign * (edge + style.uniform(2.0, 6.0)), z + style.uniform(0.5, length - 0.5)
            self._add(s, at, partial(paint_bush, height=style.uniform(0.8, 1.8)))

    def _kerbside(self, sign: int) -> None:
        """Lamps, trees, signs, posts, bins and parked two-wheelers in a row behind the kerb."""
        style, street = self._style, self._street
        row = street.kerb(sign) + 0.65
        trees = style.chance(0.8 if street.side(sign).verge else 0.5)
        z = style.uniform(5.0, 12.0)
        while z < 110:
            s, at = sign * (row + style.uniform(-0.1, 0.2)), z
            z += style.uniform(3.0, 7.5)
            if street.in_crossing(at, at, margin=3.0):
                continue
            kind = style.uniform(0, 1)
            if kind < 0.14:
                self._add(s, at, partial(paint_lamp, sign=sign))
            elif kind < 0.32:
                self._add(s, at, paint_sign)
            elif kind < 0.6 and trees:
                self._add(s, at, partial(paint_tree, height=style.uniform(4.0, 7.0)))
            elif kind < 0.7:
                self._add(s, at, paint_post)
            elif kind < 0.74:
                self._add(s, at, paint_bin)
            elif kind < 0.88:
                self._add(s + sign * 0.4, at, paint_bicycle, half=(0.8, 0.2))
            else:
                self._add(s + sign * 0.4, at, paint_motorcycle, half=(0.9, 0.3))

    def _parked(self, sign: int) -> None:
        style, street = self._style, self._street
        if not street.side(sign).parking:
            return
        s = sign * (street.kerb(sign) - 1.1)
        z = style.uniform(1.5, 14.0)
        while z < 95:
            kind = 'truck' if style.chance(0.07) else 'car'
            half = _VEHICLE_LENGTH[kind] / 2
            z += half
            if style.chance(0.6) and not street.in_crossing(z - half, z + half, margin=4.0):
                turn = (0.0 if sign > 0 else pi) + style.uniform(-0.03, 0.03)
                self._add(s, z, _VEHICLES[kind], half=(1.0, half), turn=turn)
            z += half + style.uniform(0.8, 2.5)

    def _pedestrians(self, sign: int) -> None:
        style, street = self._style, self._street
        low, high = street.kerb(sign) + 1.1, street.edge(sign) - 0.3
        for _ in range(int(style.uniform(2, 7))):
            z = 6.0 + 60.0 * style.uniform(0, 1) ** 1.5
            s = style.uniform(low, high)
            for _ in range(1 + int(style.chance(0.3))):
                if not street.in_crossing(z, z, margin=-1.0):
                    self._add(sign * s, z, paint_person)
                s, z = s + 0.6, z + style.uniform(-0.3, 0.3)

    def _traffic(self) -> None:
        """Moving vehicles in every lane; a tram and riders at times."""
        style, street = self._style, self._street
        for sign in (-1, 1):
            for lane in range(street.side(sign).lanes):
                s = sign * (lane + 0.5) * street.lane
                z = style.uniform(9.0, 30.0) if sign > 0 else style.uniform(7.0, 24.0)
                if sign < 0 and lane == 0 and street.rails and style.chance(0.85):
                    z = self._tram(s)
                self._lane(s, z, 0.0 if sign > 0 else pi)
            if style.chance(0.5):
                self._rider(sign)

    def _lane(self, s: float, z: float, turn: float) -> None:
        style = self._style
        while z < 120:
            kind = ('car', 'truck', 'bus')[int(style.rng.choice(3, p=(0.64, 0.18, 0.18)))]
            half = _VEHICLE_LENGTH[kind] / 2
            if style.chance(0.6):
                self._add(s + style.uniform(-0.2, 0.2), z + half, _VEHICLES[kind],
                          half=(1.25, half), turn=turn + style.uniform(-0.03, 0.03))
            z += 2 * half + style.uniform(5.0, 26.0)

    def _tram(self, s: float) -> float:
        """Put a tram on the rails; returns the position after it, where the lane continues."""
        z = self._style.uniform(22.0, 45.0)
        self._add(s, z, paint_tram, half=(1.2, 13.0), turn=pi)
        return z + 18.0

    def _rider(self, sign: int) -> None:
        style, street = self._style, self._street
        edge = street.side(sign).lanes * street.lane
        for _ in range(1 + int(style.chance(0.4))):
            s = sign * (edge - style.uniform(0.4, 0.9))
            self._add(s, style.uniform(7.0, 32.0), paint_rider, half=(0.7, 0.4))

    def _at_crossing(self) -> None:
        """Traffic lights, people on the zebra, a car coming out of the side street."""
        style, street = self._style, self._street
        if street.crossing is None:
            return
        near = street.crossing - street.crossing_half - 3.6
        far = street.crossing + street.crossing_half + 1.0
        for sign in (-1, 1):
            s = sign * (street.kerb(sign) + 0.5)
            self._add(s, near, partial(paint_traffic_light, sign=sign))
            if style.chance(0.7):
                self._add(s, far, partial(paint_traffic_light, sign=sign))
        for _ in range(int(style.uniform(0, 4))):
            s = style.uniform(-street.kerb(-1), street.kerb(1))
            self._add(s, near + style.uniform(0.7, 2.6), paint_person)
        if style.chance(0.4):
            sign = 1 if style.chance(0.5) else -1
            s = sign * (street.edge(sign) + style.uniform(2.0, 8.0))
            self._add(s, street.crossing - sign * 1.6, paint_car, half=(2.3, 1.0),
                      turn=-sign * pi / 2)


def painting_order(things: list[Thing], s_camera: float) -> list[Thing]:
    """Order things far to near as seen from (s_camera, 0).

    A box is farther than another one if it is completely behind it in z, or if both overlap in z
    and it is completely farther out on the same side. Boxes in different directions do not hide
    each other and have no fixed order. The order is built by repeatedly taking the farthest thing
    that does not have to be painted after any of the remaining ones.

    Args:
        things: In any order.
        s_camera: The camera's lateral position, metres.

    Returns:
        list[Thing]: The same things, in painting order.
    """
    if not things:
        return []
    s0, s1, z0, z1 = np.array([thing.extent for thing in things]).T
    behind = z0[:, None] >= z1[None, :] - 1e-6
    right = (s0[:, None] >= s1[None, :] - 1e-6) & (s1[None, :] > s_camera)
    left = (s1[:, None] <= s0[None, :] + 1e-6) & (s0[None, :] < s_camera)
    corners = np.arctan2(np.stack([s0, s0, s1, s1]) - s_camera, np.stack([z0, z1, z0, z1]))
    low, high = corners.min(axis=0) - 0.02, corners.max(axis=0) + 0.02
    overlap = (low[:, None] < high[None, :]) & (low[None, :] < high[:, None])
    first = overlap & (behind | (~behind.T & (right | left)))
    np.fill_diagonal(first, False)
    waiting = first.sum(axis=0)
    order: list[Thing] = []
    open_ = np.ones(len(things), bool)
    for _ in things:
        # Cycles of boxes that must precede each other are rare; their farthest box is then taken first.
        free = open_ & (waiting == 0)
        pick = int(np.argmax(np.where(free if free.any() else open_, z1, -np.inf)))
        order.append(things[pick])
        open_[pick] = False
        waiting -= first[pick]
    return order
