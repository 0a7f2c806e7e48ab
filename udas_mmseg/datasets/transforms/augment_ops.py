"""The operations of AutoAugment and their magnitudes, for (H, W, 3) uint8 BGR images.

Colour operations agree within two grey levels with Pillow's `ImageOps` and `ImageEnhance`, which the papers use. MMCV
has the same operations, but its `imequalize` and `auto_contrast` take 50 ms for a 640x360 image (`np.histogram`, index
arrays), and its other operations convert to float. Here, tables of 256 entries are applied with `cv2.LUT`, which takes
0.2 to 0.7 ms.

Source: Cubuk et al., "AutoAugment: Learning Augmentation Strategies from Data", CVPR 2019, table 6 (operations and
ranges) and table 9 (policy).
"""
import math
from typing import Callable, Dict, NamedTuple, Sequence, Tuple

import cv2
import mmcv
import numpy as np

from .affine_map import AffineMap, Size

FILL = 128  # the paper's grey, for pixels outside the image in geometric operations
_RAMP = np.arange(256, dtype=np.uint8)[None]


class Step(NamedTuple):
    """An operation and the value with which it is applied (degrees, a threshold, ...); see `COLOUR` and `GEOMETRY`."""
    name: str
    value: float


def auto_contrast(image: np.ndarray) -> np.ndarray:
    """Stretch each channel so that its darkest value becomes 0 and its lightest 255."""
    low, high = zip(*(cv2.minMaxLoc(channel)[:2] for channel in cv2.split(image)))
    # A ramp between the same extremes has the same mapping, and MMCV is fast on 256 values.
    ramp = np.clip(_RAMP[..., None], low, high).astype(np.uint8)
    return cv2.LUT(image, mmcv.auto_contrast(ramp))


def equalize(image: np.ndarray) -> np.ndarray:
    """Equalise the histogram of each channel with Pillow's integers; `cv2.equalizeHist` rounds differently."""
    tables = [_equalizing_table(cv2.calcHist([image], [channel], None, [256], [0, 256])) for channel in range(3)]
    return cv2.LUT(image, np.dstack(tables))


def _equalizing_table(histogram: np.ndarray) -> np.ndarray:
    """Return the (1, 256) uint8 look-up table of Pillow's equalisation of one channel.

    A value becomes the number of darker pixels, in units of 1/255 of the number of all pixels but the lightest ones.
    """
    counts = histogram.ravel().astype(np.int64)
    step = (counts.sum() - counts[np.flatnonzero(counts)[-1]]) // 255
    if step == 0:
        return _RAMP
    darker = np.cumsum(counts) - counts
    return np.minimum((darker + step // 2) // step, 255).astype(np.uint8)[None]


def solarize(image: np.ndarray, threshold: float) -> np.ndarray:
    """Invert the values at or above the threshold; 256 changes nothing, 0 inverts all values."""
    return cv2.LUT(image, mmcv.solarize(_RAMP, threshold))


def posterize(image: np.ndarray, bits: float) -> np.ndarray:
    """Keep the highest `round(bits)` bits of each value; 8 changes nothing."""
    return cv2.LUT(image, mmcv.posterize(_RAMP, round(bits)))


def adjust_contrast(image: np.ndarray, factor: float) -> np.ndarray:
    """Move all values away from the image's mean grey (factor > 1) or towards it (< 1)."""
    mean = round(cv2.mean(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))[0])
    return cv2.LUT(image, _blend(np.full_like(_RAMP, mean), _RAMP, factor))


def adjust_brightness(image: np.ndarray, factor: float) -> np.ndarray:
    """Multiply all values by the factor, clipped to 0-255."""
    return cv2.LUT(image, _blend(np.zeros_like(_RAMP), _RAMP, factor))


def adjust_color(image: np.ndarray, factor: float) -> np.ndarray:
    """Move each pixel away from its own grey (factor > 1) or towards it (< 1)."""
    # A single matrix blends with the grey image. It is faster and closer to Pillow than MMCV, which rounds twice.
    blue_green_red = np.array([0.114, 0.587, 0.299])
    return cv2.transform(image, factor * np.eye(3) + (1 - factor) * blue_green_red)


def adjust_sharpness(image: np.ndarray, factor: float) -> np.ndarray:
    """Move the image away from its smoothed version (factor > 1) or towards it (< 1), except the outermost pixels."""
    kernel = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]]) / 13  # Pillow's ImageFilter.SMOOTH
    result = _blend(cv2.filter2D(image, -1, kernel), image, factor)
    for edge in (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]):  # Pillow's filter does not change them
        result[edge] = image[edge]
    return result


def _blend(degenerate: np.ndarray, image: np.ndarray, factor: float) -> np.ndarray:
    """Extrapolate from a degenerate image (factor 0) through the image itself (factor 1), clipped to 0-255."""
    return cv2.addWeighted(image, factor, degenerate, 1 - factor, 0)


def rotation(size: Size, degrees: float) -> AffineMap:
    """Rotate counterclockwise about the image's centre."""
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return AffineMap.centred(size, [[cosine, sine], [-sine, cosine]])


# Colour operations; the comments name the value.
COLOUR: Dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
    'AutoContrast': lambda image, _: auto_contrast(image),
    'Invert': lambda image, _: cv2.bitwise_not(image),
    'Equalize': lambda image, _: equalize(image),
    'Solarize': solarize,  # threshold
    'Posterize': posterize,  # bits
    'Contrast': adjust_contrast,  # factor
    'Color': adjust_color,  # factor
    'Brightness': adjust_brightness,  # factor
    'Sharpness': adjust_sharpness,  # factor
}
# Geometric operations. The paper does not specify the centre of shears. Here it is the image's centre; with a corner,
# as in Pillow, more of the image would leave the frame. Shifts are by whole pixels, so they do not blur.
GEOMETRY: Dict[str, Callable[[Size, float], AffineMap]] = {
    'ShearX': lambda size, rate: AffineMap.centred(size, [[1, rate], [0, 1]]),
    'ShearY': lambda size, rate: AffineMap.centred(size, [[1, 0], [rate, 1]]),
    'TranslateX': lambda size, share: AffineMap.shift(size, round(share * size[1]), 0),
    'TranslateY': lambda size, share: AffineMap.shift(size, 0, round(share * size[0])),
    'Rotate': rotation,  # degrees
}
OPERATIONS = (*GEOMETRY, *COLOUR)

# Values at the lowest and at the highest magnitude. Operations that are not listed have no magnitude.
RANGES: Dict[str, Tuple[float, float]] = {
    'ShearX': (0, 0.3), 'ShearY': (0, 0.3), 'TranslateX': (0, 150 / 331), 'TranslateY': (0, 150 / 331),
    'Rotate': (0, 30), 'Solarize': (256, 0), 'Posterize': (8, 4), 'Contrast': (0.1, 1.9), 'Color': (0.1, 1.9),
    'Brightness': (0.1, 1.9), 'Sharpness': (0.1, 1.9)
}
ENHANCEMENTS = ('Contrast', 'Color', 'Brightness', 'Sharpness')


def value_at(name: str, share: float, sign: int) -> float:
    """Return the value with which an operation is applied at a magnitude.

    Args:
        name (str): One of `OPERATIONS`.
        share (float): Magnitude from 0 (the first value in `RANGES`) to 1 (the second value).
        sign (int): 1 or -1, the direction of shears, shifts and rotations; other operations ignore it.

    Returns:
        float: The value; 0 for operations without a value.
    """
    low, high = RANGES.get(name, (0, 0))
    value = low + (high - low) * share
    return sign * value if name in GEOMETRY else value


def apply_steps(image: np.ndarray, steps: Sequence[Step]) -> Tuple[np.ndarray, AffineMap]:
    """Apply operations one after the other.

    All geometric operations are combined into one warp, at the position of the first one. Pixels are therefore sampled
    only once, and pixels that a later operation moves back into the frame are not lost. If a colour operation is
    between two geometric ones, their order changes. They commute, except for the grey that fills the border and its
    effect on histograms.

    Args:
        image (np.ndarray): (H, W, 3) uint8, BGR. It is not changed.
        steps (Sequence[Step]): Operations to apply.

    Returns:
        tuple: the result (H, W, 3) uint8, which is the argument itself if nothing is applied, and the map from the
            image to the result.
    """
    size = image.shape[:2]
    affine = AffineMap.identity(size)
    for name, value in steps:
        if name in GEOMETRY:
            affine = affine.then(GEOMETRY[name](size, value))
    is_warped = False
    for name, value in steps:
        if name in COLOUR:
            image = COLOUR[name](image, value)
        elif not is_warped:
            image, is_warped = affine.warp_image(image, FILL), True
    return image, affine
