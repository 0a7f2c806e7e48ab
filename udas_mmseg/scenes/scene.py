"""Rendering a street scene, which depends only on (seed, domain, split, index)."""

import numpy as np
from numpy.typing import NDArray

from . import labels
from .camera import Camera
from .canvas import Canvas, Material, tint
from .greenery import paint_horizon
from .layout import Layout, painting_order
from .raster import rasterize
from .shading import draw_optics, shade
from .street import draw_street, paint_ground
from .style import DOMAINS, Style

#: Increased whenever the same arguments give another picture; written to `demo.json`.
RENDERER_VERSION = 1

SPLITS = ('train', 'val')


def render_scene(
    domain: str, index: int, seed: int = 0, size: tuple[int, int] = (256, 128),
    split: str = 'train',
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Render a street scene and its label map.

    `size` only changes the resolution (another aspect ratio shows more or less of the scene above
    and below). No global random state is read or changed.

    Args:
        domain: 'simulated' (like GTA5) or 'real' (like Cityscapes).
        index: Number of the scene, 0 or more.
        seed: Number of the whole data set, 0 or more.
        size: (width, height) in pixels, each at least 16.
        split: 'train' or 'val'; the two never share a scene.

    Returns:
        tuple: image (H, W, 3) uint8 BGR, and label (H, W) uint8 Cityscapes label ids.

    Raises:
        ValueError: If an argument is outside the ranges above.

    Example:
        >>> image, label = render_scene('real', 0, size=(640, 360))
        >>> image.shape, label.shape
        ((360, 640, 3), (360, 640))
    """
    _check(domain, index, seed, size, split)
    sequence = np.random.SeedSequence([seed, DOMAINS.index(domain), SPLITS.index(split), index])
    scene_seed, sensor_seed = sequence.spawn(2)
    style = Style(domain, np.random.default_rng(scene_seed))
    street = draw_street(style, lane_of_camera=1)
    lane = street.right.lanes - 0.5 if style.chance(0.7) else 0.5
    camera, light, optics = style.camera(lane * street.lane), style.light(), draw_optics(style)
    canvas = Canvas()
    paint_horizon(canvas, style)
    paint_ground(canvas, street, style)
    things = Layout(street, style, canvas).draw()
    for thing in painting_order(things, camera.x):
        x, z, heading = street.at(thing.s, thing.z)
        s0, s1, z0, z1 = thing.extent
        if camera.may_see(x, z, (s1 - s0) + (z1 - z0) + 4.0):
            canvas.place(x, z, heading + thing.turn)
            thing.paint(canvas, style)
    if style.real:
        _paint_bonnet(canvas, camera, style, size[1] / size[0])
    raster = rasterize(canvas, camera, size, light.sun, labels.SKY)
    image = shade(raster, camera, light, optics, np.random.default_rng(sensor_seed))
    return image, raster.surfaces.label[raster.numbers]


def _paint_bonnet(canvas: Canvas, camera: Camera, style: Style, aspect: float) -> None:
    """The own car at the lower edge, one metre before the lens; label `ego vehicle`."""
    colour = style.pick('bonnet')
    rise, skew = style.uniform(0.03, 0.06), style.uniform(-0.02, 0.02)
    canvas.place(0.0, 0.0, 0.0)
    for scale, tone in ((1.0, 1.35), (0.86, 1.0), (0.5, 0.85)):
        u = np.linspace(-0.56, 0.56, 15)
        arch = np.sqrt(np.clip(1 - (np.abs(u) / 0.57) ** 3, 0, 1))
        v = (scale * (rise * arch + skew * u) - 0.5 * aspect)
        u, v = np.append(u, [0.56, -0.56]), np.append(v, [-aspect, -aspect])
        seen = np.stack([u / camera.focal, v / camera.focal, np.ones_like(u)], axis=1)
        world = seen @ camera.rotation + camera.position
        canvas.polygon(world, tint(colour, tone), labels.EGO_VEHICLE, Material.METAL,
                       lit=False, two_sided=True)


def _check(domain: str, index: int, seed: int, size: tuple[int, int], split: str) -> None:
    if domain not in DOMAINS:
        raise ValueError(f'domain: {domain!r} is unknown. Use one of {", ".join(DOMAINS)}.')
    if split not in SPLITS:
        raise ValueError(f'split: {split!r} is unknown. Use one of {", ".join(SPLITS)}.')
    if index < 0 or seed < 0:
        raise ValueError(f'index and seed must be 0 or more, not index={index}, seed={seed}.')
    if min(size) < 16:
        raise ValueError(f'size: {size} is too small. Width and height must be at least 16 pixels.')
