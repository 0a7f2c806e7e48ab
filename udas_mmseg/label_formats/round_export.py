"""A round of active labelling as a COCO file or as index PNGs, and what all formats of a round share."""
import io
import os.path as osp
from pathlib import Path
from typing import Any, Dict, List, Sequence

import cv2
import numpy as np
from PIL import Image

from ..active.clicks import EPSILON
from ..active.selection_set import SelectedImage, Selection, Unit
from ..datasets.label_maps import IGNORE
from ..utils.files import replace_file, to_json
from ..utils.progress import Progress
from .shapes import Outline, find_outlines

COCO_FILE, PNG_FOLDER, CLASSES = 'annotations.json', 'labels', 'classes.txt'
OPEN = 254  # id of the pixels in an index PNG that are still to be labelled
_WHITE = (255, 255, 255)


def free_name(classes: Sequence[str]) -> str:
    """Return the name of the class of units without an answer, which is not the name of another class."""
    return next(name for name in ('to label', 'still to label', 'without label') if name not in classes)


def is_open(unit: Unit, selection: Selection) -> bool:
    """Whether the model predicts no single class for a unit."""
    return not 0 <= unit.predicted < len(selection.classes)


def outlines_of(selection: Selection, image: SelectedImage) -> List[Outline]:
    """Return the outlines of the regions of an image; none if units are points or whole images."""
    if selection.unit != 'regions':
        return []
    return find_outlines(selection.unit_map(image.name), float(selection.strategy.get('epsilon', EPSILON)))


def write_coco(selection: Selection, images: Sequence[SelectedImage], out: Path) -> None:
    """Write `annotations.json`: the regions as polygons of the class 'to label', the most useful image first.

    A COCO file does not tell which annotations a person has looked at. The regions therefore do not have the predicted
    classes: what still is 'to label' after the export has no answer.

    Args:
        selection (Selection): The round.
        images (Sequence[SelectedImage]): The images to export.
        out (Path): Folder of the file.

    Raises:
        ValueError: if the units are points.
    """
    if selection.unit == 'points':
        raise ValueError("a COCO file has no points with classes, but this round has unit='points'. Use --format "
                         'label-studio or --format png.')
    names = [*selection.classes, free_name(selection.classes)]
    content: Dict[str, List[Any]] = dict(images=[], annotations=[], categories=[
        dict(id=number, name=name) for number, name in enumerate(names, 1)])
    progress = Progress('writing polygons', len(images))
    for number, image in enumerate(images, 1):
        content['images'].append(dict(id=number, file_name=image.name + osp.splitext(image.path)[1],
                                      width=image.width, height=image.height))
        for outline in outlines_of(selection, image):
            left, top, width, height = cv2.boundingRect(outline.contour)
            content['annotations'].append(
                dict(id=len(content['annotations']) + 1, image_id=number, category_id=len(names), iscrowd=0,
                     segmentation=[outline.points.ravel().tolist()], bbox=[left, top, width, height],
                     area=float(cv2.contourArea(outline.points.astype(np.float32)))))
        progress.update(number)
    replace_file(out / COCO_FILE, to_json(content))


def write_pngs(selection: Selection, images: Sequence[SelectedImage], out: Path) -> None:
    """Write `labels/<name>.png`, 8-bit PNG files with a palette, and `classes.txt` with the ids.

    Selected pixels have the id 254 (white), all others 255 (black). The person paints train ids over the white pixels.

    Args:
        selection (Selection): The round.
        images (Sequence[SelectedImage]): The images to export.
        out (Path): Folder of the files.

    Raises:
        ValueError: if there are more than 254 classes.
    """
    if len(selection.classes) > OPEN:
        raise ValueError(f'the round has {len(selection.classes)} classes; index PNGs have room for {OPEN}. Use '
                         'another --format.')
    palette = np.zeros((256, 3), np.uint8)
    palette[:len(selection.classes)], palette[OPEN] = selection.palette, _WHITE
    lines = [*enumerate(selection.classes), (OPEN, free_name(selection.classes)), (IGNORE, 'not selected')]
    progress = Progress('writing labels', len(images))
    for number, image in enumerate(images, 1):
        picture = Image.fromarray(np.where(selection.unit_map(image.name) > 0, OPEN, IGNORE).astype(np.uint8))
        picture.putpalette(palette.ravel().tolist())
        file = io.BytesIO()
        picture.save(file, 'PNG')
        replace_file(out / PNG_FOLDER / f'{image.name}.png', file.getvalue())
        progress.update(number)
    replace_file(out / CLASSES, ''.join(f'{number} {name}\n' for number, name in lines).encode())
