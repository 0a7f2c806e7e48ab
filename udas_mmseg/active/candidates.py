"""The units of each image that could be labelled, before a budget chooses among them."""
import json
from dataclasses import asdict
from typing import Any, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ..datasets.image_files import is_whole
from ..datasets.label_files import read_label
from ..datasets.label_maps import IGNORE
from ..pseudo_labels.writer import encode_png
from ..utils.file_set import FileSetWriter
from ..utils.files import PART
from .clicks import EPSILON, segment_clicks, unit_clicks
from .scores import PixelScore, image_score, mean_map, score_image
from .selection_set import MAX_UNITS, Unit
from .units import UnitMaker


class Candidates(NamedTuple):
    """The units of an image, the most useful one first.

    Attributes:
        numbers: (H, W) uint16, number of the unit of each pixel, 0 outside of the units.
        units: The units.
        usefulness: The usefulness of each unit.
        score: The usefulness of the image, see `image_score`.
    """
    numbers: np.ndarray
    units: List[Unit]
    usefulness: List[float]
    score: float


def find_candidates(score: PixelScore, maker: UnitMaker, probs: Sequence[np.ndarray], name: str,
                    taken: Optional[np.ndarray] = None, epsilon: float = EPSILON) -> Candidates:
    """Find the units of an image that could be labelled.

    Args:
        score (PixelScore): The usefulness of the pixels.
        maker (UnitMaker): The rule for the units.
        probs (Sequence[np.ndarray]): A probability map (C, H, W) float32 for each classifier.
        name (str): Name of the image.
        taken (np.ndarray, optional): (H, W) bool, pixels of earlier rounds. They are in no unit.
        epsilon (float): See `region_clicks`. Defaults to 1.

    Raises:
        ValueError: see `score_image`.
    """
    scores, mean = score_image(score, probs, name, taken), mean_map(probs)
    numbers, usefulness = maker(scores, mean)
    if taken is not None:  # a whole image may be labelled in part
        numbers = np.where(taken, 0, numbers)
        usefulness = usefulness if numbers.any() else usefulness[:0]
    numbers, usefulness = _most_useful_first(numbers, usefulness)
    label = mean.argmax(axis=0).astype(np.uint8)
    return Candidates(numbers, describe_units(numbers, len(usefulness), label, maker.unit, epsilon),
                      [float(value) for value in usefulness], image_score(scores))


def describe_units(numbers: np.ndarray, count: int, label: np.ndarray, unit: str,
                   epsilon: float = EPSILON) -> List[Unit]:
    """Describe the units of an image with their expected costs.

    A point costs one click, a region the vertices of its polygons, and a whole image those of the polygons around all
    its segments, expected from the prediction.

    Args:
        numbers (np.ndarray): (H, W), number of the unit of each pixel, 0 outside of the units.
        count (int): Number of units, all of which have pixels.
        label (np.ndarray): (H, W) uint8, predicted classes.
        unit (str): 'points', 'regions' or 'images'.
        epsilon (float): See `region_clicks`. Defaults to 1.
    """
    if not count:
        return []
    places = np.flatnonzero(numbers)
    places = places[np.argsort(numbers.ravel()[places], kind='stable')]
    owner = numbers.ravel()[places].astype(np.int64) - 1
    pixels = np.bincount(owner, minlength=count)
    distance = np.zeros(len(places))  # to the centre of the unit
    for axis in np.unravel_index(places, numbers.shape):
        distance += (axis - (np.bincount(owner, axis) / pixels)[owner])**2
    lowest = np.minimum.reduceat(distance, np.cumsum(pixels) - pixels)
    nearest = np.flatnonzero(distance == lowest[owner])
    rows, columns = np.unravel_index(places[nearest[np.unique(owner[nearest], return_index=True)[1]]], numbers.shape)
    if unit == 'points':
        clicks = [1] * count
    elif unit == 'regions':
        clicks = unit_clicks(numbers, count, epsilon)
    else:
        clicks = [segment_clicks(np.where(numbers == number, label, IGNORE), epsilon) for number in range(1, count + 1)]
    predicted = np.full(count, IGNORE) if unit == 'images' else label[rows, columns]
    return [Unit(number, *map(int, entry)) for number, entry in
            enumerate(zip(columns, rows, pixels, clicks, predicted), 1)]


def _most_useful_first(numbers: np.ndarray, usefulness: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Renumber units so that the most useful one is 1, and drop the last ones if 16 bits have too few numbers."""
    order = np.argsort(-usefulness, kind='stable')[:MAX_UNITS]
    renumbered = np.zeros(len(usefulness) + 1, np.uint16)
    renumbered[order + 1] = np.arange(1, len(order) + 1)
    return renumbered[numbers], usefulness[order]


class CandidateWriter(FileSetWriter):
    """Writes the candidates of a set of images, so that an interrupted selection can go on; see `FileSetWriter`.

    Candidates are only needed until the round is selected, so those from other settings are replaced.

    Args:
        out (str): The folder.
        images (Sequence[str]): Paths of all images.
        image_root (str): The folder that contains the images.
        model (Mapping[str, Any]): Description of the model, see `FileSetWriter`.
        settings (Mapping[str, Any]): The settings that affect the candidates.
    """

    suffixes = ('.png', '.units', PART)

    def __init__(self, out: str, images: Sequence[str], image_root: str, model: Mapping[str, Any],
                 settings: Mapping[str, Any]) -> None:
        compared = {name: name for name in settings}
        super().__init__(out, images, image_root, 'model', model, settings, compared, ('.png', '.units'),
                         appears_whole=False, overwrite=True)

    def name_of(self, index: int) -> str:
        """Return the name of an image in a selection: the path of its pseudo-label in a set, without '.png'."""
        return self.files[index][0][:-len('.png')]

    def is_done(self, index: int) -> bool:
        """Whether the files of an image are complete."""
        return super().is_done(index) and is_whole(str(self.folder / self.files[index][0]))

    def write(self, index: int, found: Candidates) -> None:
        """Write the candidates of an image. May be called from several threads.

        Raises:
            OSError: if a file cannot be written. Files that were written before are kept.
        """
        entries = dict(score=found.score, size=found.numbers.shape, usefulness=found.usefulness,
                       units=[list(asdict(unit).values()) for unit in found.units])
        self.put(index, encode_png(found.numbers), json.dumps(entries).encode())

    def read(self, index: int) -> Tuple[Candidates, Tuple[int, int]]:
        """Return the candidates of an image without the map, and its height and width."""
        entries = json.loads((self.folder / self.files[index][1]).read_text())
        units = [Unit(*values) for values in entries['units']]
        return (Candidates(np.zeros((0, 0), np.uint16), units, entries['usefulness'], entries['score']),
                tuple(entries['size']))

    def read_numbers(self, index: int) -> np.ndarray:
        """Return the number of the unit of each pixel of an image, (H, W)."""
        return read_label(str(self.folder / self.files[index][0]))
