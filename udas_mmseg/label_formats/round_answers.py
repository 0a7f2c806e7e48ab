"""The answers of persons, in all formats, and their way into a round of active labelling."""
from collections import Counter
from dataclasses import dataclass, field
from typing import Callable, Dict, List, Sequence, Tuple

import numpy as np

from ..active.answer_store import AnswerStore
from ..active.selection_set import SelectedImage, Selection
from ..datasets.label_maps import IGNORE
from ..datasets.translated import first_names
from ..utils.progress import Progress
from .round_export import outlines_of
from .shapes import Shape, draw_shapes

Drawn = Tuple[np.ndarray, Dict[int, int], int]


@dataclass
class ImageAnswer:
    """The answer of a person for one image.

    Attributes:
        image (str): Name of the image in the round.
        by (str): Who labelled.
        at (str): When, in UTC and ISO format; '' if the format does not say.
        draw (Callable): Returns the label from the map of the units, see `draw_shapes`.
    """
    image: str
    by: str
    at: str
    draw: Callable[[np.ndarray], Drawn]


@dataclass
class Annotations:
    """The content of an annotated export, checked.

    Attributes:
        tool (str): 'label-studio', 'coco' or 'png'.
        answers (list[ImageAnswer]): The answers; of two for the same image, the later one counts.
        notes (list[str]): What was left out, and why.
    """
    tool: str
    answers: List[ImageAnswer]
    notes: List[str] = field(default_factory=list)


@dataclass
class ImportReport:
    """Result of an import.

    Attributes:
        images: Images with an answer in this import.
        units: Units with an answer in this import.
        new: Those whose answer is new or another one than before.
        pixels: Pixels that got a label.
        clicks: Cost of the new answers.
        conflicts: Descriptions of answers that replaced different ones.
        notes: What was left out, and why.
    """
    images: int = 0
    units: int = 0
    new: int = 0
    pixels: int = 0
    clicks: int = 0
    conflicts: List[str] = field(default_factory=list)
    notes: List[str] = field(default_factory=list)


def store_answers(selection: Selection, annotations: Annotations) -> ImportReport:
    """Add answers to a round. Earlier ones are kept in its log; of two for the same unit, the later one counts.

    Args:
        selection (Selection): The round.
        annotations (Annotations): The answers, of images of the round.
    """
    store, report = AnswerStore(selection), ImportReport(notes=list(annotations.notes))
    order = sorted(annotations.answers, key=lambda answer: answer.at)
    counts: Dict[str, Dict[int, int]] = {answer.image: {} for answer in order}  # pixels by unit
    progress, outside = Progress('importing', len(order)), 0
    for number, answer in enumerate(order, 1):
        units = selection.unit_map(answer.image)
        label, clicks, left_out = answer.draw(units)
        outside += left_out
        answered = np.unique(units[(units > 0) & (label != IGNORE)]).tolist()
        for entry in store.add_all(answer.image, {unit: label for unit in answered}, answer.by, annotations.tool,
                                   {unit: clicks.get(unit, 0) for unit in answered}, answer.at):
            counts[answer.image][entry.answer.unit] = sum(entry.answer.pixels.values())
            report.new += entry.is_new
            report.clicks += entry.answer.clicks if entry.is_new else 0
            report.conflicts += [entry.conflict] if entry.conflict else []
        progress.update(number)
    report.images, report.units = sum(map(bool, counts.values())), sum(map(len, counts.values()))
    report.pixels = sum(sum(pixels.values()) for pixels in counts.values())
    twice = [name for name, count in Counter(answer.image for answer in order).items() if count > 1]
    if twice:
        report.notes.append(f'{len(twice)} images have several annotations, such as {first_names(twice)}: the later '
                            'one of each unit counts')
    rest = sum(len(selection[name].units) for name in counts) - report.units
    if rest:
        report.notes.append(f'{rest} units in these images have no answer here; earlier answers for them are kept')
    if outside:
        report.notes.append(f'{outside} pixels (or points) outside the selected ones were drawn, and are left out')
    return report


def draw_image(shapes: List[Shape], selection: Selection, image: SelectedImage, units: np.ndarray) -> Drawn:
    """Draw the shapes of an image of a round; see `draw_shapes`."""
    points = np.array([[unit.x, unit.y] for unit in image.units if selection.unit == 'points']).reshape(-1, 2)
    return draw_shapes(shapes, units, outlines_of(selection, image), points)


def check_names(names: Sequence[str], selection: Selection, path: str) -> None:
    """Check that all images are in the round.

    Raises:
        ValueError: if one is not.
    """
    unknown = sorted({name for name in names if name not in selection})
    if unknown:
        raise ValueError(f'{path}: {len(unknown)} images are not in round {selection.round} ({selection.folder}): '
                         f'{first_names(unknown)}. The round has {len(selection.images)} images: '
                         f'{first_names([image.name for image in selection.images])}. Give the folder of the round '
                         'from which the tasks were exported, or remove these images. Nothing was imported.')


def class_id(name: str, selection: Selection, what: str) -> int:
    """Return the train id of a class.

    Raises:
        ValueError: if the round has no such class.
    """
    if name not in selection.classes:
        raise ValueError(f'{what} has the class {name!r}, which the round does not have. Its classes are: '
                         f'{", ".join(selection.classes)}. Rename the class in the annotation tool, or choose another '
                         'one for this shape, and export again. Nothing was imported.')
    return list(selection.classes).index(name)
