"""Reading the annotated COCO file or index PNGs of a round."""
import os.path as osp
from functools import partial
from typing import Any, Dict

import numpy as np

from ..active.selection_set import SelectedImage, Selection
from ..datasets.image_folders import list_files
from ..datasets.label_files import read_label
from ..datasets.label_maps import IGNORE
from .coco_file import CocoFile, CocoImage, read_coco
from .coco_masks import are_polygons, decode_region
from .round_answers import Annotations, Drawn, ImageAnswer, check_names, class_id, draw_image
from .round_export import OPEN, PNG_FOLDER, free_name
from .shapes import Shape, check_inside


def read_coco_answers(path: str, selection: Selection, by: str) -> Annotations:
    """Read a COCO file with polygons or run lengths. Annotations of the class 'to label' have no answer.

    Args:
        path (str): The file.
        selection (Selection): The round.
        by (str): Who labelled.

    Raises:
        FileNotFoundError: if the file does not exist.
        ImportError: if it has run lengths, and pycocotools is not installed.
        ValueError: if it is not a COCO file, has images or classes that the round does not have or images of another
            size, or a polygon is outside its image.
    """
    coco = read_coco(path)
    if coco.is_panoptic:
        raise ValueError(f'{path} is a panoptic COCO file. Export instances (polygons or masks) instead.')
    names = {image.name: osp.splitext(image.name)[0] for image in coco.images}
    check_names([*names.values(), *(osp.splitext(name)[0] for name in coco.unlabeled)], selection, path)
    answers = []
    for found in coco.images:
        image = selection[names[found.name]]
        if (found.width, found.height) != (image.width, image.height):
            raise ValueError(f'{path} says that {found.name} is {found.width}x{found.height}, but the round has '
                             f'{image.width}x{image.height} (width x height). Label the images of the round.')
        for segment in found.segments:
            _check(coco, found, segment, selection)
        if any(_class_of(coco, segment, selection, path) != OPEN for segment in found.segments):
            answers.append(ImageAnswer(image.name, by, '', partial(_draw, coco, found, selection, image)))
    rest = len(selection.images) - len(answers)
    return Annotations('coco', answers, [f'{rest} images of the round have no answer in the file'] if rest else [])


def _check(coco: CocoFile, found: CocoImage, segment: Dict[str, Any], selection: Selection) -> None:
    """Check the class and the shape of an annotation."""
    what = f'{coco.path}: annotation {segment.get("id")} of {found.name}'
    _class_of(coco, segment, selection, what)
    if are_polygons(segment['segmentation']):
        for polygon in segment['segmentation']:
            check_inside(np.array(polygon, np.float64).reshape(-1, 2), found.width, found.height, what)
    else:
        decode_region(coco, found, segment)


def _class_of(coco: CocoFile, segment: Dict[str, Any], selection: Selection, what: str) -> int:
    """Return the train id of an annotation; 254 if it is still to label."""
    name = coco.classes[coco.label_ids[segment['category_id']]]
    return OPEN if name == free_name(selection.classes) else class_id(name, selection, what)


def _draw(coco: CocoFile, found: CocoImage, selection: Selection, image: SelectedImage, units: np.ndarray) -> Drawn:
    """Draw the annotations of an image; polygons as in `draw_shapes`, run lengths as they are."""
    shapes = []
    for segment in found.segments:
        label = _class_of(coco, segment, selection, coco.path)
        if label == OPEN:
            continue
        if isinstance(segment['segmentation'], dict):
            shapes.append(Shape(np.zeros((0, 2)), label, decode_region(coco, found, segment)))
        else:
            shapes += [Shape(np.array(polygon, np.float64).reshape(-1, 2), label)
                       for polygon in segment['segmentation']]
    return draw_image(shapes, selection, image, units)


def read_pngs(folder: str, selection: Selection, by: str) -> Annotations:
    """Read index PNGs, as `write_pngs` wrote them and a person painted over them.

    Args:
        folder (str): The folder that has `labels/`, or this folder itself.
        selection (Selection): The round.
        by (str): Who labelled.

    Raises:
        FileNotFoundError: if there are no PNG files.
        ValueError: if one is not of an image of the round, has another size, or has an id that is not a class.
    """
    root = osp.join(folder, PNG_FOLDER) if osp.isdir(osp.join(folder, PNG_FOLDER)) else folder
    files = sorted(path.replace(osp.sep, '/') for path in list_files(root, '.png')) if osp.isdir(root) else []
    if not files:
        raise FileNotFoundError(f'{root} has no PNG files. Give the folder that `export --format png` wrote.')
    names = [file[:-len('.png')] for file in files]
    check_names(names, selection, root)
    answers, untouched = [], 0
    for name, file in zip(names, files):
        label = _read_png(osp.join(root, file), selection, selection[name])
        if (label != IGNORE).any():
            answers.append(ImageAnswer(name, by, '', partial(_draw_png, osp.join(root, file), selection,
                                                             selection[name])))
        else:
            untouched += 1
    notes = [f'{untouched} of {len(files)} files have no painted pixel'] if untouched else []
    return Annotations('png', answers, notes)


def _read_png(path: str, selection: Selection, image: SelectedImage) -> np.ndarray:
    """Return the train ids, 255 where there is no answer."""
    label = read_label(path)
    if label.shape != (image.height, image.width):
        raise ValueError(f'{path} is {label.shape[1]}x{label.shape[0]}, but its image is {image.width}x{image.height} '
                         '(width x height). Paint at the size of the image. Nothing was imported.')
    count = len(selection.classes)
    wrong = (label >= count) & (label != OPEN) & (label != IGNORE)
    if wrong.any():
        raise ValueError(f'{path} has the id {label[wrong][0]}, {int(wrong.sum())} pixels. Allowed are the classes 0-'
                         f'{count - 1}, {OPEN} (to label) and {IGNORE} (not selected); smooth brushes and edges mix '
                         'ids. Correct the file. Nothing was imported.')
    return np.where(label >= count, IGNORE, label).astype(np.uint8)


def _draw_png(path: str, selection: Selection, image: SelectedImage, units: np.ndarray) -> Drawn:
    """Return the painted label. Clicks are not known: each unit counts with its expected cost."""
    label = _read_png(path, selection, image)
    outside = (units == 0) & (label != IGNORE)
    label[outside] = IGNORE
    return label, {unit.id: unit.clicks for unit in image.units}, int(outside.sum())
