"""Answering the units of a round from ground truth, for research."""
from typing import Any, Callable, Dict, Optional, Sequence, Tuple

import numpy as np

from ..datasets.label_maps import IGNORE
from ..utils.progress import Progress
from .answer_log import Answer
from .answer_store import AnswerStore, Label
from .clicks import EPSILON, segment_clicks, unit_boxes
from .selection_set import SelectedImage, Unit

ANSWERS = ('pixels', 'majority')
BY, TOOL = 'ground truth', 'simulate'


def simulate(store: AnswerStore, read_truth: Callable[[str], Optional[np.ndarray]], answers: str = 'pixels',
             epsilon: float = EPSILON) -> Dict[str, Any]:
    """Answer the units of a round that have no answer yet from ground truth.

    Only the pixels in the units are looked at. Point: its true class, 1 click. Region: with 'pixels', the true class of
    each pixel, as in LabOR; the clicks are the vertices of the polygons around the parts of each class. With
    'majority', all pixels get the class that most of them have, the first one if several are equal; the clicks are the
    vertices of the region's own polygon. Whole image: the true class of each pixel, with the polygons of all segments.
    Pixels without a true class (255) get no label; a unit of such pixels costs 1 click.

    Args:
        store (AnswerStore): The answers of the round.
        read_truth (Callable): Returns the true train ids (H, W) uint8 of an image by its name, 255 where there is none;
            or None if the image has no ground truth: it is left out.
        answers (str): 'pixels' or 'majority'. Defaults to 'pixels'.
        epsilon (float): See `region_clicks`. Defaults to 1.

    Returns:
        dict: `units` answered now, their `clicks` and `pixels` by the name of the class, and `without_truth`, the
            number of images that were left out.

    Raises:
        OSError: if a file cannot be written. Answers that were stored before are kept.
        ValueError: if `answers` is not allowed, the truth has another size than its image, or no image has one.

    Source: LabOR (Shin et al., ICCV 2021) answers from ground truth as 'pixels' does.
    """
    selection = store.selection
    if answers not in ANSWERS or (answers == 'majority' and selection.unit == 'images'):
        raise ValueError(f'answers={answers!r} for {selection.unit}: allowed are {ANSWERS}, and for whole images only '
                         "'pixels'.")
    done: Dict[str, Any] = dict(units=0, clicks=0, pixels={}, without_truth=0)
    progress = Progress(f'answering round {selection.round} from ground truth', len(selection.images))
    for place, image in enumerate(selection.images, 1):
        missing = sorted(set(range(1, len(image.units) + 1)).difference(store.answered(image.name)))
        truth = read_truth(image.name) if missing else None
        if truth is not None:
            labels, clicks = _answers(store, image, missing, truth, answers, epsilon)
            for stored in store.add_all(image.name, labels, BY, TOOL, clicks):
                _add(done, stored.answer, selection.classes)
        elif missing:
            done['without_truth'] += 1
        progress.update(place)
    if done['without_truth'] == len(selection.images):
        raise ValueError(f'no image of {selection.folder} has ground truth, such as {selection.images[0].name}. Its '
                         'data set must have the same image folder (`data_prefix.img_path`).')
    return done


def _answers(store: AnswerStore, image: SelectedImage, missing: Sequence[int], truth: np.ndarray, answers: str,
             epsilon: float) -> Tuple[Dict[int, Label], Dict[int, int]]:
    """Return the label and the clicks of each unit of an image that has no answer."""
    units = store.selection.unit_map(image.name)
    if truth.shape != units.shape:
        raise ValueError(f'the ground truth of {image.name} has the shape {truth.shape}, but its image has '
                         f'{units.shape} (height, width). Both must have the same size.')
    labels: Dict[int, Label] = {}
    clicks, boxes = {}, unit_boxes(units, len(image.units))
    for number in missing:
        box = boxes[number - 1]
        inside = np.where(units[box] == number, truth[box], IGNORE)
        clicks[number], whole = _cost_and_class(inside, image.units[number - 1], store.selection.unit, answers, epsilon)
        labels[number] = truth if whole is None else whole
    return labels, clicks


def _cost_and_class(inside: np.ndarray, unit: Unit, kind: str, answers: str,
                    epsilon: float) -> Tuple[int, Optional[int]]:
    """Return the clicks for a unit, and the class of all its pixels; None if each pixel has its own.

    Args:
        inside (np.ndarray): (h, w) uint8, truth of the pixels of the unit, 255 elsewhere.
        unit (Unit): The unit.
        kind (str): 'points', 'regions' or 'images'.
        answers (str): 'pixels' or 'majority'.
        epsilon (float): See `region_clicks`.
    """
    if kind == 'points':
        return 1, int(inside[0, 0])
    if answers == 'pixels':
        return max(1, segment_clicks(inside, epsilon)), None
    votes = np.bincount(inside.ravel(), minlength=IGNORE + 1)[:IGNORE]
    return (unit.clicks, int(votes.argmax())) if votes.any() else (1, IGNORE)


def _add(done: Dict[str, Any], answer: Answer, classes: Sequence[str]) -> None:
    """Add an answer to the counts that `simulate` returns."""
    done['units'] += 1
    done['clicks'] += answer.clicks
    for label, count in answer.pixels.items():
        done['pixels'][classes[label]] = done['pixels'].get(classes[label], 0) + count
