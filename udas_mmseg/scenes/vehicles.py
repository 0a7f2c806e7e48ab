"""Cars, trucks, buses and trams. Local frame: centre on the ground, z forward."""

from collections.abc import Callable

import numpy as np

from . import labels
from .canvas import Canvas, Colour, Material, Panel, box, circle, extrude, tint
from .style import Style

_TYRE: Colour = (24, 24, 26)
_RED: Colour = (196, 22, 26)
_LAMP: Colour = (246, 244, 224)

#: Body shapes: length, width, height, then z (share of the length, -0.5 rear to 0.5 front) of
#: the glasshouse: rear foot, rear top, front top, front foot.
_BODIES = {
    'saloon': (4.5, 1.8, 1.45, (-0.34, -0.2, 0.1, 0.25)),
    'hatchback': (3.9, 1.75, 1.5, (-0.48, -0.38, 0.1, 0.26)),
    'estate': (4.6, 1.85, 1.72, (-0.49, -0.44, 0.1, 0.24)),
    'van': (4.8, 1.95, 2.0, (-0.5, -0.48, 0.24, 0.38)),
}


def paint_car(canvas: Canvas, style: Style) -> None:
    """A car at the current place."""
    weights = (0.2, 0.35, 0.3, 0.15) if style.real else (0.45, 0.2, 0.25, 0.1)
    body = list(_BODIES)[int(style.rng.choice(4, p=weights))]
    length, width, height, cabin = _BODIES[body]
    paint = style.pick('car', 0.1)
    glass = style.pick('windscreen')
    w, r, f = width / 2, -length / 2, length / 2
    belt = 0.6 * height
    canvas.cast_shadow(w, length / 2, 0.75 * height)
    _axles(canvas, w, (0.62 * r, 0.62 * f), 0.32, labels.CAR)
    hull = [(r, 0.24), (r - 0.02, 0.42 * height), (r + 0.06, belt), (f * 0.5, belt),
            (f - 0.08, 0.5 * height), (f, 0.36 * height), (f - 0.02, 0.24)]
    lower = tint(paint, 0.7)
    extrude(canvas, hull, w, [lower, paint, paint, paint, paint, lower], paint, labels.CAR)
    _wheels(canvas, w, (0.62 * r, 0.62 * f), 0.32, style.pick('metal'), labels.CAR)
    _glasshouse(canvas, [length * c for c in cabin], belt, height, w, paint, glass)
    _car_ends(canvas, r, f, w, height, style)


def _glasshouse(
    canvas: Canvas, cabin: list[float], belt: float, height: float, w: float, paint: Colour,
    glass: Colour,
) -> None:
    z0, z1, z2, z3 = cabin
    extrude(canvas, [(z0, belt), (z1, height), (z2, height), (z3, belt)], w * 0.9,
            [paint, paint, paint], paint, labels.CAR)
    low, high = belt + 0.06, height - 0.1
    for za, zb in ((z0, z1), (z3, z2)):
        out = -0.01 if za == z0 else 0.01
        at = [(za + (zb - za) * t + out, y) for t, y in ((0.1, low), (0.85, high))]
        quad = [(-w * 0.78, at[0][1], at[0][0]), (-w * 0.7, at[1][1], at[1][0]),
                (w * 0.7, at[1][1], at[1][0]), (w * 0.78, at[0][1], at[0][0])]
        canvas.polygon(quad if za == z0 else quad[::-1], glass, labels.CAR, Material.GLASS)
    t0, t1 = z0 + 0.25 * (z1 - z0) + 0.12, z1 + 0.1
    t2, t3 = z2 - 0.06, z3 - 0.25 * (z3 - z2) - 0.15
    middle = (t1 + t2) / 2
    for sign in (1, -1):
        for pane in ([(t0, low), (t1, high), (middle - 0.05, high), (middle - 0.05, low)],
                     [(middle + 0.05, low), (middle + 0.05, high), (t2, high), (t3, low)]):
            solid = [(sign * (w * 0.9 + 0.01), y, z) for z, y in pane]
            canvas.polygon(solid if sign > 0 else solid[::-1], glass, labels.CAR,
                           Material.GLASS)


def _car_ends(
    canvas: Canvas, r: float, f: float, w: float, height: float, style: Style
) -> None:
    """Lamps, number plates and bumpers."""
    rear = Panel(canvas, (-w, 0, r - 0.03), (1, 0), labels.CAR)
    front = Panel(canvas, (w, 0, f + 0.02), (-1, 0), labels.CAR)
    dark = style.pick('metal')
    for panel, lamp in ((rear, _RED), (front, _LAMP)):
        y = 0.42 * height
        panel.rect(0.04, 0.2, 2 * w - 0.04, 0.36, tint(dark, 0.45))
        panel.rect(0.03, y, 0.32, y + 0.2, lamp)
        panel.rect(2 * w - 0.32, y, 2 * w - 0.03, y + 0.2, lamp)
        panel.rect(w - 0.28, y - 0.02, w + 0.28, y + 0.11, (232, 232, 226))
    front.rect(0.45, 0.38 * height, 2 * w - 0.45, 0.47 * height, tint(dark, 0.35))


def _axles(
    canvas: Canvas, w: float, axles: tuple[float, ...], radius: float, label: int
) -> None:
    """Tyres as seen from behind and from the front, and the dark underside."""
    box(canvas, (-w + 0.1, 0.12, min(axles) - radius), (w - 0.1, 0.5, max(axles) + radius),
        (20, 20, 22), label)
    for z in axles:
        for x in (-w + 0.02, w - 0.24):
            box(canvas, (x, 0.0, z - radius * 0.7), (x + 0.22, radius * 1.6, z + radius * 0.7),
                _TYRE, label)


def _wheels(
    canvas: Canvas, w: float, axles: tuple[float, ...], radius: float, rim: Colour, label: int
) -> None:
    for origin, right in (((w + 0.01, 0, 0), (0, 1)), ((-w - 0.01, 0, 0), (0, -1))):
        side = Panel(canvas, origin, right, label)
        for z in axles:
            side.shape(circle(z * right[1], radius, radius), _TYRE)
            side.shape(circle(z * right[1], radius, radius * 0.58, 8), rim)


def paint_truck(canvas: Canvas, style: Style) -> None:
    """A box truck: a cargo box behind a cab."""
    length, w, height = style.uniform(6.5, 9.0), 1.2, style.uniform(3.0, 3.5)
    cargo, cab = style.pick('truck', 0.1), style.pick('truck', 0.1)
    glass, grey = style.pick('windscreen'), style.pick('metal')
    r, f = -length / 2, length / 2
    joint = f - 2.0
    axles = (r + 1.3, f - 1.0)
    canvas.cast_shadow(w, length / 2, height * 0.8)
    _axles(canvas, w, axles, 0.48, labels.TRUCK)

    def paint_cab() -> None:
        top = min(2.7, height - 0.3)
        hull = [(joint, 0.45), (joint, top), (f - 0.35, top), (f, 1.3), (f, 0.45)]
        extrude(canvas, hull, w - 0.05, [cab] * 4, cab, labels.TRUCK)
        canvas.polygon([(w - 0.2, 1.4, f), (w - 0.25, top - 0.15, f - 0.27),
                        (0.25 - w, top - 0.15, f - 0.27), (0.2 - w, 1.4, f)], glass,
                       labels.TRUCK, Material.GLASS)
        front = Panel(canvas, (w, 0, f + 0.02), (-1, 0), labels.TRUCK)
        front.rect(0.3, 0.6, 2 * w - 0.3, 1.1, tint(grey, 0.5))
        for u in (0.1, 2 * w - 0.45):
            front.rect(u, 0.6, u + 0.35, 0.85, _LAMP)
        for sign in (1, -1):
            pane = [(sign * (w - 0.04), y, z) for z, y in (
                (joint + 0.5, 1.4), (joint + 0.5, top - 0.2), (f - 0.5, top - 0.2),
                (f - 0.25, 1.4))]
            canvas.polygon(pane if sign > 0 else pane[::-1], glass, labels.TRUCK, Material.GLASS)

    def paint_cargo() -> None:
        box(canvas, (-w, 0.8, r), (w, height, joint - 0.15), cargo, labels.TRUCK, Material.METAL)
        rear = Panel(canvas, (-w, 0, r - 0.02), (1, 0), labels.TRUCK)
        rear.rect(0.08, 0.95, 2 * w - 0.08, height - 0.12, tint(cargo, 0.82))
        rear.rect(w - 0.04, 0.95, w + 0.04, height - 0.12, tint(cargo, 0.5))
        rear.rect(0.0, 0.5, 2 * w, 0.78, tint(grey, 0.5))
        for u in (0.05, 2 * w - 0.4):
            rear.rect(u, 0.55, u + 0.35, 0.74, _RED)

    _in_order(canvas, paint_cargo, paint_cab)
    _wheels(canvas, w, axles, 0.48, grey, labels.TRUCK)


def _in_order(
    canvas: Canvas, rear_part: Callable[[], None], front_part: Callable[[], None]
) -> None:
    """Paint the part that is farther from the camera first; headings are near 0 or pi."""
    parts = (front_part, rear_part) if canvas.frames[-1][2] > 0 else (rear_part, front_part)
    for part in parts:
        part()


def paint_bus(canvas: Canvas, style: Style) -> None:
    """A city bus: one long box with a ribbon of windows."""
    length, w, height = style.uniform(9.5, 12.0), 1.27, style.uniform(2.95, 3.2)
    paint, glass = style.pick('bus', 0.1), style.pick('windscreen')
    band = tint(paint, 0.6) if style.chance(0.5) else style.pick('trim')
    r, f = -length / 2, length / 2
    canvas.cast_shadow(w, length / 2, height * 0.8)
    _axles(canvas, w, (r + 2.4, f - 2.6), 0.48, labels.BUS)
    box(canvas, (-w, 0.3, r), (w, height, f), paint, labels.BUS, Material.METAL,
        top=tint(paint, 0.9))
    for panel, width in _four_sides(canvas, r, f, w, labels.BUS):
        panel.rect(0, 0.3, width, 0.7, band)
        if width > 3:
            _window_row(panel, width, 1.35, height - 0.5, 1.6, glass)
    rear, front = (panel for panel, width in _four_sides(canvas, r, f, w, labels.BUS)
                   if width < 3)
    rear.rect(0.25, 1.5, 2 * w - 0.25, height - 0.55, glass, Material.GLASS)
    rear.rect(0.5, 0.75, 2 * w - 0.5, 1.25, tint(paint, 0.55))
    front.rect(0.12, 1.05, 2 * w - 0.12, height - 0.55, glass, Material.GLASS)
    front.rect(0.5, height - 0.42, 2 * w - 0.5, height - 0.12, (246, 150, 30))
    _lamps(rear, front, w, 0.85)
    _wheels(canvas, w, (r + 2.4, f - 2.6), 0.48, style.pick('metal'), labels.BUS)


def paint_tram(canvas: Canvas, style: Style) -> None:
    """A tram (class `train`): a long, low-floor car with rounded ends and a pantograph."""
    length, w, height = style.uniform(18.0, 26.0), 1.2, 3.5
    paint, glass, trim = style.pick('train', 0.1), style.pick('windscreen'), style.pick('trim')
    r, f = -length / 2, length / 2
    canvas.cast_shadow(w, length / 2, height * 0.8)
    hull = [(r + 0.3, 0.2), (r, 1.0), (r + 0.7, height), (f - 0.7, height), (f, 1.0),
            (f - 0.3, 0.2)]
    extrude(canvas, hull, w, [paint, paint, tint(trim, 0.8), paint, paint], paint, labels.TRAIN)
    for panel, width in _four_sides(canvas, r, f, w, labels.TRAIN):
        if width > 3:
            panel.rect(0.9, 2.55, width - 0.9, 3.3, trim)
            _window_row(panel, width, 1.3, 2.55, 2.4, glass)
    for end, sign in ((r, -1.0), (f, 1.0)):
        def slope(x: float, y: float, end: float = end, sign: float = sign) -> tuple[
                float, float, float]:
            return x, y, end + sign * (0.02 - 0.7 * (y - 1.0) / 2.5)
        quad = [slope(-0.95, 1.35), slope(-0.95, 2.7), slope(0.95, 2.7), slope(0.95, 1.35)]
        sign_board = [slope(-0.7, 2.85), slope(-0.7, 3.2), slope(0.7, 3.2), slope(0.7, 2.85)]
        for shape, colour in ((quad, glass), (sign_board, (250, 170, 40))):
            canvas.polygon(shape if sign < 0 else shape[::-1], colour, labels.TRAIN)
    rear, front = (panel for panel, width in _four_sides(canvas, r, f, w, labels.TRAIN)
                   if width < 3)
    _lamps(rear, front, w, 0.8)
    canvas.cutout([(-0.6, height), (0.0, height + 1.3), (0.6, height), (0.5, height),
                   (0.0, height + 1.15), (-0.5, height)], (60, 60, 64), labels.TRAIN)


def _four_sides(
    canvas: Canvas, r: float, f: float, w: float, label: int
) -> list[tuple[Panel, float]]:
    """Panels of a box and their widths: right, left, rear, front."""
    return [
        (Panel(canvas, (w + 0.01, 0, r), (0, 1), label), f - r),
        (Panel(canvas, (-w - 0.01, 0, f), (0, -1), label), f - r),
        (Panel(canvas, (-w, 0, r - 0.02), (1, 0), label), 2 * w),
        (Panel(canvas, (w, 0, f + 0.02), (-1, 0), label), 2 * w),
    ]


def _window_row(
    panel: Panel, width: float, low: float, high: float, pitch: float, glass: Colour
) -> None:
    count = max(int((width - 0.6) / pitch), 1)
    u = np.linspace(0.4, width - 0.4, count + 1, dtype=np.float32)
    level = np.ones(count, np.float32)
    panel.rects(np.stack([u[:-1] + 0.07, low * level, u[1:] - 0.07, high * level], axis=1),
                glass, Material.GLASS)


def _lamps(rear: Panel, front: Panel, w: float, y: float) -> None:
    for panel, lamp in ((rear, _RED), (front, _LAMP)):
        panel.rect(0.08, y - 0.14, 0.38, y + 0.14, lamp)
        panel.rect(2 * w - 0.38, y - 0.14, 2 * w - 0.08, y + 0.14, lamp)
