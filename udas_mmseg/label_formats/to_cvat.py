"""Writing predictions or pseudo-labels as an archive that CVAT imports, to be corrected there."""
import io
import json
import os
import os.path as osp
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import List, Sequence, Tuple

import numpy as np
from PIL import Image

from ..datasets.image_folders import list_files
from ..datasets.label_colors import Color
from ..datasets.label_files import read_label
from ..datasets.label_maps import IGNORE
from ..datasets.pseudo_label_set import list_labels, read_set_index
from ..utils.files import PART
from ..utils.progress import Progress

BLACK = (0, 0, 0)
_MASKS, _CLASSES = 'mask', 'classes.json'  # of tools/predict.py
_SEPARATORS = (':', '\n', '\r')


@dataclass
class LabelFolder:
    """Label images of ids, with the names of the ids.

    Attributes:
        root: Folder of the labels.
        names: Paths of the labels below it, without '.png'.
        ids: Id of each class in the labels.
        classes: Name of each class.
        colors: Colour of each class (red, green, blue); none is black.
    """
    root: str
    names: List[str]
    ids: List[int]
    classes: List[str]
    colors: List[Color]


def find_labels(folder: str) -> LabelFolder:
    """Find the labels in a folder of `tools/predict.py` or `tools/pseudo_label.py`.

    Raises:
        FileNotFoundError: if the folder does not exist, or has no labels.
        ValueError: if it is of neither tool, a set of pseudo-labels is not complete, two classes have the same id, or
            CVAT cannot have a class of that name.
    """
    if osp.isfile(osp.join(folder, _CLASSES)):
        listed = json.loads(Path(folder, _CLASSES).read_bytes())
        ids, classes, colors = ([entry[key] for entry in listed] for key in ('id', 'name', 'color'))
        root = osp.join(folder, _MASKS)
        if not osp.isdir(root):
            raise FileNotFoundError(f'{folder} has predictions without masks. Run tools/predict.py with `--what mask`.')
        labels = sorted(path.replace(os.sep, '/') for path in list_files(root, '.png'))
    else:
        index = read_set_index(folder, 'PREDICTIONS')
        root, classes, labels, colors = folder, list(index['classes']), list_labels(folder), []
        ids = list(range(len(classes)))
    double = sorted({number for number in ids if ids.count(number) > 1})
    if double:
        raise ValueError(f'{folder}: several classes have the id {double[0]} in the masks. Predict again without '
                         '`prediction_ids` in the config.')
    wrong = [name for name in classes if any(sign in name for sign in _SEPARATORS) or classes.count(name) > 1]
    if wrong:
        raise ValueError(f'{folder}: the class name {wrong[0]!r} occurs twice or has a colon or a line break, which '
                         "CVAT's labelmap.txt cannot have. Rename the class.")
    if not labels:
        raise FileNotFoundError(f'{root} has no labels (.png).')
    return LabelFolder(root, [label[:-len('.png')] for label in labels], ids, classes, _distinct(colors, len(classes)))


def _distinct(colors: Sequence[Sequence[int]], count: int) -> List[Color]:
    """Return the colours if they differ and none is black, else those of PASCAL VOC."""
    found = [(int(red), int(green), int(blue)) for red, green, blue in colors]
    return found if len({*found, BLACK}) == count + 1 else _voc_colors(count + 1)[1:]


def _voc_colors(count: int) -> List[Color]:
    """Return the first colours of PASCAL VOC, which are defined by the bits of the index; the first one is black."""
    return [tuple(sum((index >> 3 * bit + channel & 1) << 7 - bit for bit in range(3))  # type: ignore[misc]
                  for channel in range(3)) for index in range(count)]


def write_cvat(folder: str, out: str) -> Tuple[int, List[str]]:
    """Write predictions as an archive in CVAT's format 'Segmentation mask 1.1'.

    Ignored pixels (255) are black and stay unlabelled in CVAT; each class of an image is one object.

    Args:
        folder (str): Folder of `tools/predict.py` (with masks) or `tools/pseudo_label.py`.
        out (str): The archive, a `.zip` file.

    Returns:
        tuple[int, list[str]]: Number of labels, and the names of the classes.

    Raises:
        FileExistsError: if the archive exists.
        ValueError: see `find_labels`; or if a label has an id that is not a class.
    """
    if osp.exists(out) or not out.endswith('.zip'):
        kind = FileExistsError if osp.exists(out) else ValueError
        raise kind(f'--out {out}: give a .zip file that does not exist yet.')
    found = find_labels(folder)
    void = next(name for name in ('background', 'unlabelled', 'not labelled') if name not in found.classes)
    lines = [f'{name}:{",".join(map(str, color))}::' for name, color in zip((void, *found.classes),
                                                                            (BLACK, *found.colors))]
    progress = Progress('writing', len(found.names), unit='labels')
    Path(out).absolute().parent.mkdir(parents=True, exist_ok=True)
    part = out + PART
    try:
        with zipfile.ZipFile(part, 'w') as archive:  # PNG files are compressed
            archive.writestr('labelmap.txt', '\n'.join(['# label:color_rgb:parts:actions', *lines]) + '\n')
            archive.writestr('ImageSets/Segmentation/default.txt', '\n'.join(found.names) + '\n')
            for number, name in enumerate(found.names, 1):
                places = _places(found, name)
                archive.writestr(f'SegmentationClass/{name}.png', _paint(places, [BLACK, *found.colors]))
                # without objects, CVAT would also import the black pixels as a class
                archive.writestr(f'SegmentationObject/{name}.png', _paint(places, _voc_colors(len(lines))))
                progress.update(number)
        os.replace(part, out)
    finally:
        Path(part).unlink(missing_ok=True)
    return len(found.names), found.classes


def _places(found: LabelFolder, name: str) -> np.ndarray:
    """Return 0 for ignored pixels and 1 to C for the classes: (H, W) uint8."""
    path = osp.join(found.root, f'{name}.png')
    label, table = read_label(path), np.full(1 << 16, -1, np.int64)
    table[found.ids] = range(1, len(found.ids) + 1)
    if IGNORE not in found.ids:
        table[IGNORE] = 0
    places = table[label]
    if (places < 0).any():
        raise ValueError(f'{path} has the id {label[places < 0][0]}; the classes have {found.ids}, and {IGNORE} is '
                         'ignored. Predict this image again.')
    return places.astype(np.uint8)


def _paint(places: np.ndarray, colors: Sequence[Color]) -> bytes:
    """Encode pixels in colours as an RGB PNG file: what reads a palette file depends on the decoder."""
    file = io.BytesIO()
    Image.fromarray(np.array(colors, np.uint8)[places]).save(file, 'PNG', compress_level=1)
    return file.getvalue()
