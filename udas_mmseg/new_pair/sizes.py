"""Choosing the size of training images, by the time or the memory that there is."""
import math
from typing import NamedTuple, Sequence, Tuple

Size = Tuple[int, int]  # width, height
_STEP = 16  # sides of crops are multiples of this: networks divide them by 8 and 4


class Sizes(NamedTuple):
    """Sizes of training images.

    Attributes:
        crop: (width, height) of the crops of both domains.
        scales: (width, height) to which the images of each domain are resized before they are cropped.
    """
    crop: Size
    scales: Tuple[Size, ...]


def choose_sizes(images: Sequence[Size], max_pixels: int) -> Sizes:
    """Choose a crop that fits into the images of all domains, and scales at which each domain covers it.

    Images are never enlarged, unless they are smaller than 16 pixels. The crop has the aspect ratio of the wider domain
    (of the narrower one for upright images), so that it cuts as little as possible and nothing has to be padded.

    Args:
        images (Sequence[tuple[int, int]]): (width, height) of the images of each domain.
        max_pixels (int): Largest number of pixels of a crop.

    Example:
        >>> choose_sizes([(160, 80), (480, 360)], 12800)
        Sizes(crop=(160, 80), scales=((160, 80), (160, 120)))
    """
    aspects = [width / height for width, height in images]
    if min(aspects) >= 1:
        aspect = max(aspects)
    else:
        aspect = min(aspects) if max(aspects) <= 1 else 1.0
    height = math.sqrt(max_pixels / aspect)
    width = height * aspect
    shrink = min(1.0, *(min(own[0] / width, own[1] / height) for own in images))
    crop = _round_down(width * shrink), _round_down(height * shrink)
    scales = []
    for own in images:
        factor = max(crop[0] / own[0], crop[1] / own[1])
        scales.append((max(crop[0], round(own[0] * factor)), max(crop[1], round(own[1] * factor))))
    return Sizes(crop, tuple(scales))


def _round_down(side: float) -> int:
    return max(_STEP, int(side + 1e-6) // _STEP * _STEP)
