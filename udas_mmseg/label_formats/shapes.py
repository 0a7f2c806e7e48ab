"""Points and polygons that a person drew, as labels of the units that were selected for labelling."""
from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple

import cv2
import numpy as np

from ..active.clicks import EPSILON, region_clicks, unit_boxes
from ..datasets.label_maps import IGNORE

REACH = 3.0  # pixels by which a point may be moved and still answer for the same selected point
_SAME = 0.25  # pixels by which a vertex may differ after it was written and read: formats round
_OUTSIDE = 1.0  # pixels by which a tool may put a vertex on the edge outside the image
_BITS = 8  # of the fractions of a pixel that OpenCV draws with

Box = Tuple[slice, slice]  # rows and columns


@dataclass
class Shape:
    """A point, a polygon or a mask with its class.

    Attributes:
        points (np.ndarray): (P, 2) float64, x and y in pixels; the first pixel reaches from 0 to 1. One point, or a
            polygon of three or more. Empty for a mask.
        label (int): Train id.
        mask (np.ndarray, optional): (H, W) bool. Defaults to None.
    """
    points: np.ndarray
    label: int
    mask: Optional[np.ndarray] = None


@dataclass
class Outline:
    """The outline of a connected part of a unit, as it was shown to the person.

    Attributes:
        unit (int): Number of the unit.
        points (np.ndarray): (P, 2) float64, the simplified polygon, see `Shape`.
        contour (np.ndarray): (Q, 1, 2) int32, all pixels of its outer border, as OpenCV returns them.
    """
    unit: int
    points: np.ndarray
    contour: np.ndarray


def find_outlines(units: np.ndarray, epsilon: float = EPSILON) -> List[Outline]:
    """Return the outlines of all units of an image.

    Args:
        units (np.ndarray): (H, W) integers; 0 is not selected, k is unit k.
        epsilon (float): Largest distance in pixels between the border and the polygon, as in `region_clicks`. Holes are
            left out. Defaults to 1.
    """
    found = []
    for unit, box in enumerate(unit_boxes(units, int(units.max(initial=0))), 1):
        contours, _ = cv2.findContours((units[box] == unit).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE,
                                       offset=(box[1].start, box[0].start))
        for contour in contours:
            points = cv2.approxPolyDP(contour, epsilon, True)[:, 0].astype(np.float64) + 0.5
            found.append(Outline(unit, points if len(points) > 2 else _corners(contour), contour))
    return found


def _corners(contour: np.ndarray) -> np.ndarray:
    """Return the rectangle around pixels that are too few for a polygon."""
    left, top, width, height = cv2.boundingRect(contour)
    return np.array([[left, top], [left + width, top], [left + width, top + height], [left, top + height]], np.float64)


def check_inside(points: np.ndarray, width: int, height: int, what: str) -> None:
    """Check that a point or polygon is in its image.

    Raises:
        ValueError: if a coordinate is not a number, or is more than one pixel outside the image.
    """
    wrong = ~((points >= -_OUTSIDE) & (points <= np.array([width, height]) + _OUTSIDE)).all(1)
    if wrong.any():
        x, y = points[wrong][0]
        raise ValueError(f'{what} has a point at x={x:.1f}, y={y:.1f}, outside its image of {width}x{height} pixels '
                         '(width x height). Move the point into the image, or delete the shape, and export again. '
                         'Nothing was imported.')


def draw_shapes(shapes: Sequence[Shape], units: np.ndarray, outlines: Sequence[Outline],
                points: np.ndarray) -> Tuple[np.ndarray, Dict[int, int], int]:
    """Draw shapes in their order, later ones over earlier ones. Only selected pixels get a label.

    A polygon that is still the outline of a unit labels exactly the pixels of that part. Any other polygon or mask
    labels the selected pixels in it. A point labels the unit at its place, or the nearest selected point within 3
    pixels.

    Args:
        shapes (Sequence[Shape]): Shapes of an image.
        units (np.ndarray): (H, W) integers; 0 is not selected, k is unit k.
        outlines (Sequence[Outline]): The outlines that were shown; empty if there were none.
        points (np.ndarray): (K, 2) x and y of the pixel of each unit, if units are points; else (0, 2).

    Returns:
        tuple: the label, (H, W) uint8 train ids, 255 where nothing is labelled; the clicks by unit; and the number of
            labelled pixels outside the units, which were left out. A polygon costs its vertices, a mask those of its
            outlines, and a point or an unchanged outline costs one click. They are counted for the unit of which the
            shape labels the most pixels.
    """
    label = np.full(units.shape, IGNORE, np.uint8)
    clicks: Dict[int, int] = {}
    outside = 0
    for shape in shapes:
        box, mask, cost = _pixels(shape, units, outlines, points)
        selected = units[box] > 0
        outside += int((mask & ~selected).sum())
        mask &= selected
        label[box][mask] = shape.label
        if mask.any():
            unit = int(np.bincount(units[box][mask]).argmax())
            clicks[unit] = clicks.get(unit, 0) + cost
    return label, clicks, outside


def _pixels(shape: Shape, units: np.ndarray, outlines: Sequence[Outline],
            points: np.ndarray) -> Tuple[Box, np.ndarray, int]:
    """Return a part of the image, the pixels of a shape in it, (h, w) bool, and the clicks of the shape."""
    whole = slice(0, units.shape[0]), slice(0, units.shape[1])
    if shape.mask is not None:
        return whole, shape.mask.copy(), region_clicks(shape.mask)
    if len(shape.points) == 1:
        return whole, _pixels_at(shape.points[0], units, points), 1
    for outline in outlines:
        if len(outline.points) == len(shape.points) and np.abs(outline.points - shape.points).max() < _SAME:
            box, mask = _fill(outline.contour[:, 0] + 0.5, units.shape)
            return box, mask & (units[box] == outline.unit), 1
    return (*_fill(shape.points, units.shape), len(shape.points))


def _fill(points: np.ndarray, size: Tuple[int, ...]) -> Tuple[Box, np.ndarray]:
    """Return the part of the image with a polygon, and its pixels there: those with their centre inside or nearly."""
    ends = np.array(size[::-1])
    low = np.clip(np.floor(points.min(0)) - 1, 0, ends - 1).astype(np.int64)
    high = np.clip(np.ceil(points.max(0)) + 1, low + 1, ends).astype(np.int64)
    fixed = np.rint((points - 0.5 - low) * (1 << _BITS)).astype(np.int32)
    mask = np.zeros((high - low)[::-1], np.uint8)
    cv2.fillPoly(mask, [fixed[:, None]], 1, shift=_BITS)
    return (slice(low[1], high[1]), slice(low[0], high[0])), mask.astype(bool)


def _pixels_at(point: np.ndarray, units: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return the unit that a point answers for, (H, W) bool; the pixel of the point if there is none."""
    row, column = (min(max(int(value), 0), side - 1) for value, side in zip(point[::-1], units.shape))
    distances = np.linalg.norm(points + 0.5 - point, axis=1)
    if not units[row, column] and distances.min(initial=np.inf) <= REACH:
        column, row = points[distances.argmin()]
    if units[row, column]:
        return units == units[row, column]
    pixel = np.zeros(units.shape, bool)
    pixel[row, column] = True
    return pixel
