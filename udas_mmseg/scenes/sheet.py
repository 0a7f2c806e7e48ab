"""One picture that shows both domains side by side."""

import cv2
import numpy as np
from numpy.typing import NDArray

from .labels import label_palette
from .scene import render_scene
from .style import DOMAINS

_MARGIN = 6  # pixels
_TITLE = 26  # pixels


def contact_sheet(
    indices: tuple[int, ...] = (0, 1, 2, 3), seed: int = 0, size: tuple[int, int] = (256, 128),
    split: str = 'train',
) -> NDArray[np.uint8]:
    """Simulated scenes on the left and real ones on the right, each with its coloured label.

    Args:
        indices: Indices of the scenes, one for each row.
        seed: Seed of the data set.
        size: (width, height) of a scene in pixels.
        split: 'train' or 'val'.

    Returns:
        NDArray[np.uint8]: (height, width, 3) BGR.

    Raises:
        ValueError: If `indices` is empty or another argument is out of range.
    """
    if not indices:
        raise ValueError('indices is empty. Name at least one scene.')
    width, height = size
    column = 2 * width + 3 * _MARGIN
    sheet = np.full((_TITLE + len(indices) * (height + _MARGIN), 2 * column, 3), 255, np.uint8)
    palette = np.ascontiguousarray(label_palette()[:, ::-1])
    for c, domain in enumerate(DOMAINS):
        left = c * column + _MARGIN
        cv2.putText(sheet, domain, (left, _TITLE - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.55,
                    (40, 40, 40), 1, cv2.LINE_AA)
        for r, index in enumerate(indices):
            image, label = render_scene(domain, index, seed, size, split)
            top = _TITLE + r * (height + _MARGIN)
            sheet[top:top + height, left:left + width] = image
            left_of_label = left + width + _MARGIN
            sheet[top:top + height, left_of_label:left_of_label + width] = palette[label]
    return sheet
