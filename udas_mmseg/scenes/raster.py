"""Converting the list of polygons to a surface, label and depth for each pixel.

Every polygon has a number. The numbers are painted from far to near into one integer image at twice
the resolution. Colour, label, material and depth are then looked up by this number, so that image
and label always agree.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .camera import Camera
from .canvas import Canvas

NEAR = 0.5  # metres; polygons are cut off in front of this
FAR = 400.0  # metres; the depth of the sky
SUPERSAMPLING = 2  # a pixel of the image is the mean of 2x2 samples, a pixel of the label is one of them
_SUBPIXEL_BITS = 4


@dataclass(frozen=True)
class Surfaces:
    """Properties of the polygons by number; row 0 is the sky.

    Attributes:
        colour: (M, 3) float32 RGB without light, 0-255.
        label: (M,) uint8 Cityscapes label id.
        material: (M,) uint8.
        normal: (M, 3) float32 unit normals in world axes; zero where light does not apply.
        inverse_depth: (M, 3) float32; 1 / depth = coefficients @ (ray x, ray y, 1).
    """

    colour: NDArray[np.float32]
    label: NDArray[np.uint8]
    material: NDArray[np.uint8]
    normal: NDArray[np.float32]
    inverse_depth: NDArray[np.float32]


@dataclass(frozen=True)
class Raster:
    """The painted scene.

    Attributes:
        surfaces: Look-up tables by polygon number.
        fine: (2H, 2W) int32 polygon numbers.
        numbers: (H, W) int32 polygon numbers, the samples that are used for the label.
        shadow: (H, W) uint8, the share of a pixel in a cast shadow; only valid on the ground.
    """

    surfaces: Surfaces
    fine: NDArray[np.int32]
    numbers: NDArray[np.int32]
    shadow: NDArray[np.uint8]


def rasterize(
    canvas: Canvas, camera: Camera, size: tuple[int, int], sun: NDArray[np.float32], sky_label: int
) -> Raster:
    """Paint the canvas.

    Args:
        canvas: The polygons, far to near.
        camera: The camera.
        size: (width, height) in pixels.
        sun: (3,) unit vector towards the sun, world axes.
        sky_label: Label id of pixels without a polygon.

    Returns:
        Raster: Polygon numbers and their tables.
    """
    width, height = size
    points, starts, ends = _camera_points(canvas, camera)
    normals, facing = _normals(points, starts, ends)
    fine = np.zeros((height * SUPERSAMPLING, width * SUPERSAMPLING), np.int32)
    _paint(fine, points, starts, ends, facing | np.array(canvas.two_sided), camera)
    shadow = _paint_shadows(canvas, camera, size, sun)
    half = SUPERSAMPLING // 2
    numbers = np.ascontiguousarray(fine[half::SUPERSAMPLING, half::SUPERSAMPLING])
    anchors = points[starts]
    surfaces = _surfaces(canvas, camera, normals, facing, anchors, sky_label)
    return Raster(surfaces, fine, numbers, shadow)


def _camera_points(
    canvas: Canvas, camera: Camera
) -> tuple[NDArray[np.float32], NDArray[np.intp], NDArray[np.intp]]:
    local = np.concatenate(canvas.points)
    sizes = np.array(canvas.sizes)
    ends = np.cumsum(sizes)
    frames = np.array(canvas.frames, np.float32)[np.repeat(canvas.frame_of, sizes)]
    return camera.to_camera(_to_world(local, frames)), ends - sizes, ends


def _to_world(local: NDArray[np.float32], frames: NDArray[np.float32]) -> NDArray[np.float32]:
    x0, z0, cos, sin = frames.T
    x = x0 + cos * local[:, 0] + sin * local[:, 2]
    z = z0 - sin * local[:, 0] + cos * local[:, 2]
    return np.stack([x, local[:, 1], z], axis=1)


def _normals(
    points: NDArray[np.float32], starts: NDArray[np.intp], ends: NDArray[np.intp]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Newell's normals, outward for clockwise corners, and which polygons face the camera."""
    following = np.arange(1, len(points) + 1)
    following[ends - 1] = starts
    a, b = points - np.repeat(points[starts], ends - starts, axis=0), points[following]
    b = b - np.repeat(points[starts], ends - starts, axis=0)
    cross = np.stack([a[:, 1] * b[:, 2] - a[:, 2] * b[:, 1],
                      a[:, 2] * b[:, 0] - a[:, 0] * b[:, 2],
                      a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]], axis=1)
    normals = np.add.reduceat(cross, starts, axis=0)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    facing = np.einsum('ij,ij->i', normals, points[starts]) < 0
    return normals, facing


def _paint(
    fine: NDArray[np.int32], points: NDArray[np.float32], starts: NDArray[np.intp],
    ends: NDArray[np.intp], wanted: NDArray[np.bool_], camera: Camera,
) -> None:
    height, width = fine.shape
    depth = points[:, 2]
    nearest = np.minimum.reduceat(depth, starts)
    behind = np.maximum.reduceat(depth, starts) <= NEAR
    # Sample centres lie at integer coordinates in OpenCV and at .5 here.
    safe = np.where(depth[:, None] < NEAR, np.float32(NEAR), points)
    pixels = camera.to_pixels(safe, width, height) - 0.5
    low = np.minimum.reduceat(pixels, starts, axis=0)
    high = np.maximum.reduceat(pixels, starts, axis=0)
    clipped = nearest < NEAR
    inside = (high > -1).all(1) & (low < (width, height)).all(1)
    order = np.flatnonzero(wanted & ~behind & (inside | clipped))
    fixed = np.clip(np.rint(pixels * (1 << _SUBPIXEL_BITS)), -2**24, 2**24).astype(np.int32)
    begin, stop, cut = starts.tolist(), ends.tolist(), clipped.tolist()
    for k in order.tolist():
        if cut[k]:
            corners = _clip_near(points[begin[k]:stop[k]])
            if len(corners) < 3:
                continue
            image = (camera.to_pixels(corners, width, height) - 0.5) * (1 << _SUBPIXEL_BITS)
            polygon = np.clip(np.rint(image), -2**24, 2**24).astype(np.int32)
        else:
            polygon = fixed[begin[k]:stop[k]]
        if len(polygon) <= 4:
            cv2.fillConvexPoly(fine, polygon, k + 1, cv2.LINE_8, _SUBPIXEL_BITS)
        else:
            cv2.fillPoly(fine, [polygon], k + 1, cv2.LINE_8, _SUBPIXEL_BITS)


def _clip_near(corners: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sutherland-Hodgman against z = NEAR."""
    kept: list[NDArray[np.float32]] = []
    for a, b in zip(corners, np.roll(corners, -1, axis=0)):
        if a[2] >= NEAR:
            kept.append(a)
        if (a[2] >= NEAR) != (b[2] >= NEAR):
            kept.append(a + (b - a) * ((NEAR - a[2]) / (b[2] - a[2])))
    return np.array(kept, np.float32).reshape(-1, 3)


def _paint_shadows(
    canvas: Canvas, camera: Camera, size: tuple[int, int], sun: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """The ground shadows: the hull of each caster's footprint and of its roof, moved by the sun."""
    width, height = size
    mask = np.zeros((height * SUPERSAMPLING, width * SUPERSAMPLING), np.uint8)
    if not canvas.shadow_casters:
        return np.zeros((height, width), np.uint8)
    casters = np.array(canvas.shadow_casters, np.float32)
    frames = np.array(canvas.frames, np.float32)[casters[:, 0].astype(int)]
    _, x, z, half_width, half_length, top = casters.T
    signs = np.array([(-1, -1), (-1, 1), (1, 1), (1, -1)], np.float32)
    local = np.zeros((len(casters), 4, 3), np.float32)
    local[..., 0] = x[:, None] + half_width[:, None] * signs[:, 0]
    local[..., 2] = z[:, None] + half_length[:, None] * signs[:, 1]
    foot = _to_world(local.reshape(-1, 3), np.repeat(frames, 4, axis=0)).reshape(-1, 4, 3)
    moved = foot - (sun / max(float(sun[1]), 0.2) * top[:, None])[:, None]
    moved[..., 1] = 0
    corners = camera.to_camera(np.concatenate([foot, moved], axis=1).reshape(-1, 3))
    corners[:, 2] = np.maximum(corners[:, 2], NEAR)
    pixels = camera.to_pixels(corners, width * SUPERSAMPLING, height * SUPERSAMPLING) - 0.5
    fixed = np.clip(np.rint(pixels), -2**20, 2**20).astype(np.int32).reshape(-1, 8, 2)
    for hull in fixed:
        cv2.fillConvexPoly(mask, cv2.convexHull(hull), 255)
    return np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_AREA), np.uint8)


def _surfaces(
    canvas: Canvas, camera: Camera, normals: NDArray[np.float32], facing: NDArray[np.bool_],
    anchors: NDArray[np.float32], sky_label: int,
) -> Surfaces:
    outward = np.where(facing[:, None], normals, -normals)
    distance = np.minimum(np.einsum('ij,ij->i', outward, anchors), -1e-3)
    world = (outward @ camera.rotation) * np.array(canvas.lit, np.float32)[:, None]

    def with_sky(sky: object, rows: object, dtype: type) -> NDArray[np.generic]:
        return np.concatenate([np.asarray(sky, dtype)[None], np.asarray(rows, dtype)])

    return Surfaces(
        colour=np.asarray(with_sky((0, 0, 0), canvas.colours, np.float32), np.float32),
        label=np.asarray(with_sky(sky_label, canvas.labels, np.uint8), np.uint8),
        material=np.asarray(with_sky(0, canvas.materials, np.uint8), np.uint8),
        normal=np.asarray(with_sky((0, 0, 0), world, np.float32), np.float32),
        inverse_depth=np.asarray(
            with_sky((0, 0, 1 / FAR), outward / distance[:, None], np.float32), np.float32),
    )
