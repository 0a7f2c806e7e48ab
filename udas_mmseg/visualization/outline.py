"""Outlines of regions in a picture."""
from typing import Tuple

import cv2
import numpy as np

YELLOW = (0, 255, 255)


def draw_outline(picture: np.ndarray, mask: np.ndarray, color: Tuple[int, int, int] = YELLOW) -> np.ndarray:
    """Outline the regions of a mask and their holes, with a thin line that has a black rim to be visible everywhere.

    Args:
        picture (np.ndarray): (H, W, 3) uint8 BGR.
        mask (np.ndarray): (H, W) bool, or integers; 0 is outside.
        color (tuple[int, int, int]): BGR, 0-255. Defaults to yellow.

    Returns:
        np.ndarray: (H, W, 3) uint8 BGR, a new picture.
    """
    regions = np.ascontiguousarray(mask != 0).astype(np.uint8)
    lines, _ = cv2.findContours(regions, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    outlined, width = np.ascontiguousarray(picture).copy(), max(1, round(max(mask.shape) / 800))
    for stroke, thickness in (((0, 0, 0), width + 2), (color, width)):
        cv2.drawContours(outlined, lines, -1, stroke, thickness)
    return outlined
