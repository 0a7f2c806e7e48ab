"""Crops, windows and the fusion of predictions at two resolutions (HRDA), as pure functions."""
from typing import List, Sequence, Tuple

import numpy as np
import torch
import torch.nn.functional as F
from mmseg.models.utils import resize
from torch import Tensor

Size = Tuple[int, int]  # (height, width)
Corners = List[Tuple[int, int]]  # (top, left) of some boxes


def draw_corners(count: int, size: Size, crop: Size, divisor: int, rng: np.random.Generator) -> Corners:
    """Draw the corners of a crop of each image, all possible ones with the same probability.

    Args:
        count (int): N, the number of images.
        size (tuple[int, int]): Height and width of the images, both divisible by `divisor`.
        crop (tuple[int, int]): Height and width of the crops, which are not larger and also divisible.
        divisor (int): The corners are multiples of it.
        rng (np.random.Generator): Random generator.

    Returns:
        list[tuple[int, int]]: Top and left pixel of each crop.

    Source: Hoyer et al., "HRDA", ECCV 2022, section 3.
    """
    places = [(length - part) // divisor + 1 for length, part in zip(size, crop)]
    return [(top * divisor, left * divisor) for top, left in rng.integers(0, places, (count, 2)).tolist()]


def window_corners(size: Size, window: Size, divisor: int) -> Corners:
    """Return the corners of windows that cover an image, at a distance of half a window.

    The last window of a row or column ends at the border, and therefore overlaps the one before by more if the image is
    not a multiple of half a window.

    Args:
        size (tuple[int, int]): Height and width of the image, divisible by `divisor`.
        window (tuple[int, int]): Those of the windows, not larger and also divisible.
        divisor (int): The corners are multiples of it; half a window is rounded down.

    Returns:
        list[tuple[int, int]]: Top and left pixel of each window.
    """
    tops, lefts = ([*range(0, length - part, max(part // (2 * divisor), 1) * divisor), length - part]
                   for length, part in zip(size, window))
    return [(top, left) for top in tops for left in lefts]


def averaged_windows(windows: Tensor, corners: Corners, size: Size) -> Tensor:
    """Average the predictions of overlapping windows.

    Args:
        windows (Tensor): (K x N, C, h, w): all N images for the first window, then all for the second.
        corners (list[tuple[int, int]]): (top, left) of the K windows in the result; together they cover it.
        size (tuple[int, int]): Height and width of the result.

    Returns:
        Tensor: (N, C, H, W).
    """
    parts = windows.chunk(len(corners))
    height, width = windows.shape[2:]
    total = windows.new_zeros(*parts[0].shape[:2], *size)
    count = windows.new_zeros(size)
    for part, (top, left) in zip(parts, corners):
        total[:, :, top:top + height, left:left + width] += part
        count[top:top + height, left:left + width] += 1
    return total / count


def pasted(crops: Tensor, corners: Corners, size: Size) -> Tensor:
    """Paste a crop (N, C, h, w) of each image at its corner (top, left) into zeros, (N, C, H, W)."""
    (height, width), (whole_height, whole_width) = crops.shape[2:], size
    return torch.stack([F.pad(crop, (left, whole_width - left - width, top, whole_height - top - height))
                        for crop, (top, left) in zip(crops, corners)])


def fuse_resolutions(context: Tensor, attention: Tensor, detail: Tensor, align_corners: bool) -> Tensor:
    """Fuse the predictions for images of a low and of a high resolution by the attention to the high one.

    Args:
        context (Tensor): (N, C, h, w) logits for the low resolution.
        attention (Tensor): (N, C, h, w) in [0, 1]; 0 where there is no detail.
        detail (Tensor): (N, C, H, W) logits for the high resolution; 0 where there are none.
        align_corners (bool): Of the interpolation.

    Returns:
        Tensor: (N, C, H, W) logits.

    Source: Hoyer et al., "HRDA", ECCV 2022, section 3.
    """
    without, attention = (
        resize(values, size=detail.shape[2:], mode='bilinear', align_corners=align_corners, warning=False)
        for values in ((1 - attention) * context, attention))
    return without + attention * detail


def scaled_corners(corners: Corners, cell: Sequence[int]) -> Corners:
    """Convert corners in pixels to those in cells of a feature map, which have this height and width in pixels."""
    return [(top // cell[0], left // cell[1]) for top, left in corners]
