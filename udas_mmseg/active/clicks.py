"""The cost of labelling, in clicks: a person clicks on each vertex of a polygon."""
from typing import List, Tuple

import cv2
import numpy as np

from ..datasets.label_maps import IGNORE

EPSILON = 1.0
_FEWEST = 3  # vertices of a polygon


def region_clicks(mask: np.ndarray, epsilon: float = EPSILON) -> int:
    """Count the vertices of the simplified polygons around a region and its holes.

    Args:
        mask (np.ndarray): (H, W) bool, the pixels of the region; each of its parts has a polygon.
        epsilon (float): Largest distance in pixels between the outline and the polygon, 0 or more (Douglas-Peucker,
            `cv2.approxPolyDP`). Defaults to 1.

    Returns:
        int: Number of vertices, at least 3 for each polygon; 0 for an empty mask.
    """
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    return sum(max(_FEWEST, len(cv2.approxPolyDP(outline, epsilon, True))) for outline in outlines)


def segment_clicks(label: np.ndarray, epsilon: float = EPSILON) -> int:
    """Count the vertices of the simplified polygons around all segments of a label.

    Args:
        label (np.ndarray): (H, W) uint8 train ids. Pixels of 255 need no clicks.
        epsilon (float): See `region_clicks`. Defaults to 1.
    """
    return sum(region_clicks(label == number, epsilon) for number in np.unique(label) if number != IGNORE)


def unit_clicks(units: np.ndarray, count: int, epsilon: float = EPSILON) -> List[int]:
    """Return `region_clicks` of the regions 1 to `count` of a map (H, W) of numbers; each has pixels."""
    return [region_clicks(units[box] == number, epsilon) for number, box in enumerate(unit_boxes(units, count), 1)]


def unit_boxes(units: np.ndarray, count: int) -> List[Tuple[slice, slice]]:
    """Return the bounding boxes of the regions 1 to `count` of a map (H, W) of numbers; each has pixels."""
    rows, columns = np.nonzero(units)
    numbers, bounds = units[rows, columns], []
    for places in (rows, columns):
        low, high = np.full(count + 1, max(units.shape)), np.zeros(count + 1, np.int64)
        np.minimum.at(low, numbers, places)
        np.maximum.at(high, numbers, places + 1)
        bounds.append([slice(*ends) for ends in zip(low.tolist(), high.tolist())][1:])
    return list(zip(*bounds))
