"""Shading painted surfaces: light, texture, haze, lens and sensor."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from .camera import Camera
from .canvas import Colour, Material
from .raster import FAR, NEAR, Raster
from .style import Light, Style

_TILE = 512  # side of the noise tiles, samples

#: Texture by material: strength of the fine and the coarse part, metres per tile of each.
_TEXTURE: dict[Material, tuple[float, float, float, float]] = {
    Material.ASPHALT: (0.10, 0.10, 9.0, 60.0),
    Material.PAVING: (0.10, 0.10, 8.0, 50.0),
    Material.GRASS: (0.26, 0.14, 12.0, 60.0),
    Material.FACADE: (0.08, 0.12, 16.0, 70.0),
    Material.LEAVES: (0.44, 0.15, 22.0, 60.0),
    Material.METAL: (0.0, 0.06, 9.0, 30.0),
    Material.GLASS: (0.05, 0.40, 9.0, 45.0),
    Material.CLOTH: (0.10, 0.10, 4.0, 9.0),
    Material.BRICK: (0.09, 0.10, 10.0, 40.0),
}


@dataclass(frozen=True)
class Optics:
    """Air, lens and sensor of one scene.

    Attributes:
        sky_top, sky_low: RGB of the sky overhead and at the horizon.
        clouds: Strength of the clouds, 0-1.
        texture: Strength of the surface textures, 0-1.
        haze: Distance in metres at which 63 percent of the light comes from the air.
        saturation: Factor of the colourfulness.
        gain: (3,) exposure times white balance, RGB.
        gamma: Exponent of the tone curve.
        vignette: Darkening of the image corners, 0-1.
        blur: Standard deviation in pixels at an image width of 256.
        noise: Standard deviation in grey levels of 255.
    """

    sky_top: Colour
    sky_low: Colour
    clouds: float
    texture: float
    haze: float
    saturation: float
    gain: NDArray[np.float32]
    gamma: float
    vignette: float
    blur: float
    noise: float


def draw_optics(style: Style) -> Optics:
    """Draw air, lens and sensor: a clean picture if simulated, a car's camera if real."""
    top, low = style.pick('sky_top'), style.pick('sky_low', 0.03)
    spread = 0.05 if style.real else 0.015
    warmth, green = style.uniform(-spread, spread), style.uniform(-spread / 2, spread / 2)
    tone = np.array([1 + warmth, 1 + green, 1 - warmth], np.float32)
    if not style.real:
        return Optics(
            top, low, clouds=style.uniform(0.1, 0.5), texture=0.35,
            haze=style.uniform(450.0, 1500.0), saturation=style.uniform(0.75, 1.0),
            gain=style.uniform(0.92, 1.1) * tone, gamma=1.0, vignette=0.0, blur=0.0, noise=1.0)
    return Optics(
        top, low, clouds=0.6, texture=0.75, haze=style.uniform(180.0, 450.0),
        saturation=style.uniform(0.75, 1.1), gain=style.uniform(0.92, 1.25) * tone,
        gamma=style.uniform(0.9, 1.15), vignette=style.uniform(0.1, 0.3),
        blur=style.uniform(0.3, 0.55), noise=style.uniform(1.5, 3.5))


def shade(
    raster: Raster, camera: Camera, light: Light, optics: Optics, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Colour the painted scene.

    Args:
        raster: The painted scene, (H, W).
        camera: As used for painting.
        light: Sun and shadow.
        optics: Air, lens and sensor.
        rng: For the sensor noise.

    Returns:
        NDArray[np.uint8]: (H, W, 3) BGR.
    """
    height, width = raster.numbers.shape
    rays = camera.rays(width, height)
    inverse_depth = _inverse_depth(raster, rays)
    ground = raster.surfaces.normal[raster.numbers, 1] > 0.9
    gain = 1 + optics.texture * _texture(raster, inverse_depth, ground, rays, camera)
    gain *= 1 - light.shadow * _soft_shadow(raster, ground, light.softness * width / 1000)
    air = np.exp(-1 / (optics.haze * inverse_depth))
    image, sky_share = _light_surfaces(raster, light, (width, height))
    image *= (gain * air)[..., None]
    image += ((1 - air) * (1 - sky_share))[..., None] * np.array(optics.sky_low, np.float32)
    top = int(np.flatnonzero(sky_share.any(axis=1))[-1]) + 1 if sky_share.any() else 0
    image[:top] += sky_share[:top, :, None] * _sky((rays[0], rays[1][:top]), camera, optics)
    return _expose(image, optics, rng)


def _light_surfaces(
    raster: Raster, light: Light, size: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Averaged surface colours (H, W, 3) RGB under the sun, and the sky's share (H, W)."""
    surfaces = raster.surfaces
    is_lit = np.abs(surfaces.normal).sum(axis=1) > 0
    sunlit = light.ambient + light.diffuse * np.maximum(surfaces.normal @ light.sun, 0)
    level = np.where(is_lit, sunlit, light.ambient + 0.6 * light.diffuse)
    table = np.empty((len(level), 4), np.uint8)
    table[:, :3] = np.clip(surfaces.colour * level[:, None], 0, 255)
    table[:, 3] = 0
    table[0] = (0, 0, 0, 255)
    fine = table[raster.fine]
    mean = cv2.resize(fine, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    return np.ascontiguousarray(mean[..., :3]), mean[..., 3] / np.float32(255)


def _inverse_depth(
    raster: Raster, rays: tuple[NDArray[np.float32], NDArray[np.float32]]
) -> NDArray[np.float32]:
    a, b, c = (column[raster.numbers] for column in raster.surfaces.inverse_depth.T)
    return np.asarray(np.clip(a * rays[0] + b * rays[1] + c, 1 / FAR, 1 / NEAR), np.float32)


def _soft_shadow(
    raster: Raster, ground: NDArray[np.bool_], softness: float
) -> NDArray[np.float32]:
    """How much of each ground pixel is in a cast shadow (H, W), 0-1."""
    shadow = cv2.GaussianBlur(raster.shadow, (0, 0), max(softness, 0.3))
    return np.asarray(np.where(ground, shadow, 0), np.float32) / np.float32(255)


@lru_cache(maxsize=1)
def _noise_tiles() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Two tiles (side, side) of seamless noise of unit strength: fine grain and soft blotches."""
    rng = np.random.default_rng(np.random.SeedSequence([19, 5]))
    tiles = []
    for octaves in ((1, 2, 4, 8), (8, 16, 32, 64)):
        tile = np.zeros((_TILE, _TILE), np.float32)
        for cell in octaves:
            small = rng.standard_normal((_TILE // cell, _TILE // cell), np.float32)
            tile += _seamless(small, cell) * np.float32(cell**0.4)
        tiles.append(tile / np.float32(tile.std() * 2))
    return tiles[0], tiles[1]


def _seamless(small: NDArray[np.float32], cell: int) -> NDArray[np.float32]:
    """Enlarge a tile by the factor `cell` so that its opposite edges still fit."""
    if cell == 1:
        return small
    margin = 2
    padded = np.pad(small, margin, mode='wrap')
    large = cv2.resize(padded, None, fx=cell, fy=cell, interpolation=cv2.INTER_CUBIC)
    cut = slice(margin * cell, margin * cell + _TILE)
    return np.asarray(large[cut, cut], np.float32)


def _texture(
    raster: Raster, inverse_depth: NDArray[np.float32], ground: NDArray[np.bool_],
    rays: tuple[NDArray[np.float32], NDArray[np.float32]], camera: Camera,
) -> NDArray[np.float32]:
    """Relative brightness (H, W) of the textures, around 0, fixed to the surfaces in the world."""
    depth = 1 / inverse_depth
    right, up, forward = camera.rotation
    x = camera.x + depth * (right[0] * rays[0] + up[0] * rays[1] + forward[0])
    y = camera.height + depth * (right[1] * rays[0] + up[1] * rays[1] + forward[1])
    z = depth * (right[2] * rays[0] + up[2] * rays[1] + forward[2])
    u, v = np.where(ground, x, x + z), np.where(ground, z, y)
    strengths = np.zeros((len(Material), 4), np.float32)
    strengths[:, 2:] = 1
    for material, row in _TEXTURE.items():
        strengths[material] = row
    table = strengths[raster.surfaces.material]
    fine, coarse = _noise_tiles()
    total = np.zeros_like(depth)
    # A grain smaller than a pixel averages out: it fades with the distance.
    focal = np.float32(camera.focal * depth.shape[1])
    for column, tile in ((0, fine), (1, coarse)):
        scale = _TILE / table[raster.numbers, column + 2]
        grain = focal * inverse_depth / scale * (2 if column == 0 else 16)
        fade = np.clip(grain, 0.35, 1)
        sample = cv2.remap(
            tile, (u * scale).astype(np.float32), (v * scale).astype(np.float32),
            cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
        total += table[raster.numbers, column] * fade * np.clip(sample, -1.4, 1.4)
    return np.asarray(total, np.float32)


def _sky(
    rays: tuple[NDArray[np.float32], NDArray[np.float32]], camera: Camera, optics: Optics
) -> NDArray[np.float32]:
    """The sky (h, W, 3) RGB: a gradient with clouds."""
    elevation = np.clip(rays[1] - np.float32(np.tan(camera.pitch)), 0, None)
    height = np.clip(elevation / 0.42, 0, 1) ** 0.7 + 0 * rays[0]
    _, coarse = _noise_tiles()
    stretch = 110 / (elevation + 0.25)
    u = (rays[0] + np.float32(camera.yaw) + 3) * stretch + 0 * rays[1]
    v = elevation * 640 + 0 * rays[0] + camera.height * 997
    noise = cv2.remap(coarse, u.astype(np.float32), v.astype(np.float32), cv2.INTER_LINEAR,
                      borderMode=cv2.BORDER_WRAP)
    cloud = np.float32(optics.clouds) * np.clip(noise * 1.3 - 0.1, 0, 1)
    low, top = (np.array(c, np.float32) for c in (optics.sky_low, optics.sky_top))
    sky = low + (top - low) * height[..., None]
    return np.asarray(sky + (np.float32(248) - sky) * cloud[..., None], np.float32)


def _expose(
    image: NDArray[np.float32], optics: Optics, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Lens and sensor, (H, W, 3) RGB float to BGR uint8."""
    height, width = image.shape[:2]
    if optics.saturation != 1:
        grey = image @ np.array([0.299, 0.587, 0.114], np.float32)
        image = grey[..., None] + np.float32(optics.saturation) * (image - grey[..., None])
    if optics.blur:
        image = cv2.GaussianBlur(image, (0, 0), max(optics.blur * (width / 256) ** 0.6, 0.3))
    image = image * optics.gain
    if optics.vignette:
        y, x = np.ogrid[-1:1:height * 1j, -1:1:width * 1j]
        corner = (1 - optics.vignette * 0.5 * (x * x + y * y)).astype(np.float32)
        image *= corner[..., None]
    if optics.noise:
        # Luminance grain is sharp; chroma grain is blurred, as by JPEG's chroma subsampling.
        image = image + np.float32(optics.noise) * rng.standard_normal(
            (height, width, 1), np.float32)
        coarse = rng.standard_normal(((height + 3) // 4, (width + 3) // 4, 3), np.float32)
        image += np.float32(optics.noise * 0.7) * cv2.resize(coarse, (width, height))
    picture = np.clip(image[..., ::-1], 0, 255).astype(np.uint8)
    if optics.gamma == 1:
        return np.ascontiguousarray(picture)
    curve = 255 * (np.arange(256) / 255) ** optics.gamma
    return np.asarray(cv2.LUT(np.ascontiguousarray(picture), curve.astype(np.uint8)), np.uint8)
