"""A picture of both domains with their labels."""
import os.path as osp
from typing import List, Mapping, Optional, Sequence, Tuple

import mmcv
import numpy as np

from ..datasets.image_files import read_checked, resize_nearest
from ..datasets.label_files import read_colors, read_label
from ..datasets.label_maps import IGNORE
from ..datasets.label_scan import COLORS, Value
from ..utils.indices import spread_evenly
from ..visualization import add_legend, colorize, grid
from ..visualization.outline import draw_outline
from ..visualization.panels import fit
from .class_map import Classes
from .folders import Folder
from .names import format_value

_ROWS, _BOX = 4, (240, 180)  # images of each domain; their largest width and height
_VALUES, _COLUMNS = 40, 5  # of the picture of ids or colours


def draw_sheet(folders: Sequence[Tuple[Folder, Optional[Mapping[Value, int]]]], classes: Classes) -> np.ndarray:
    """Draw a few images of each folder, evenly spaced, each with its label in the colours of the classes.

    Args:
        folders (Sequence): Folders, each with the map of its labels, or None if it has none.
        classes (Classes): Names and colours.

    Returns:
        np.ndarray: (H, W, 3) uint8 BGR. Pixels that are ignored are black.
    """
    rows: List[List[Optional[np.ndarray]]] = [[] for _ in range(_ROWS)]
    titles: List[str] = []
    for folder, label_map in folders:
        title = folder.title.replace('_', ' ')
        titles += [title] if label_map is None else [title, f'{title}, label']
        names = [folder.names[number] for number in spread_evenly(len(folder.names), _ROWS)]
        for row, name in zip(rows, names + [''] * _ROWS):
            row.append(_image(folder, name) if name else None)
            if label_map is not None:
                row.append(_label(folder, name, label_map, classes) if name else None)
    shown = [row for row in rows if any(cell is not None for cell in row)]
    return add_legend(grid(shown, titles), [*classes.names, 'ignored'], [*classes.palette, (0, 0, 0)])


def _image(folder: Folder, name: str) -> np.ndarray:
    content = read_checked(folder.image(name), None)
    return fit(mmcv.imfrombytes(content, folder.color_type, backend='cv2'), _BOX)


def _label(folder: Folder, name: str, label_map: Mapping[Value, int], classes: Classes) -> np.ndarray:
    raw = _read(folder, folder.label(name))
    ids = np.full(raw.shape, IGNORE, np.uint8)  # not all labels were read: others may have other ids
    for value, train in label_map.items():
        ids[raw == _packed(value)] = train
    return fit(colorize(ids, classes.palette), _BOX)


def draw_values(folder: Folder) -> np.ndarray:
    """Draw where each id or colour of a folder's labels is: outlined in the image that has most pixels of it.

    Args:
        folder (Folder): Images with labels.

    Returns:
        np.ndarray: (H, W, 3) uint8 BGR; at most 40 ids or colours, largest share first.
    """
    assert folder.scan is not None
    scan = folder.scan
    names = {folder.label(name): name for name in folder.names}
    values = sorted((value for value in scan.pixels if scan.examples[value] in names), key=lambda v: -scan.share(v))
    cells = []
    for value in values[:_VALUES]:
        path = scan.examples[value]
        image = _image(folder, names[path])
        mask = resize_nearest((_read(folder, path) == _packed(value)).astype(np.uint8), *image.shape[:2])
        title = f'{format_value(value)}, {100 * scan.share(value):.1f} %'
        cells.append(grid([[draw_outline(np.where(mask[..., None] > 0, image, image // 3), mask)]], [title]))
    return grid([cells[start:start + _COLUMNS] for start in range(0, len(cells), _COLUMNS)])


def _read(folder: Folder, path: str) -> np.ndarray:
    """Read a label: (H, W) ids or packed colours."""
    assert folder.scan is not None
    return read_colors(path) if folder.scan.form == COLORS else read_label(path, channel=folder.scan.channel)


def _packed(value: Value) -> int:
    return value if isinstance(value, int) else value[0] << 16 | value[1] << 8 | value[2]


def values_name(folder: Folder) -> str:
    """Return the name of the picture of `draw_values`."""
    return f'{folder.title}_labels.png'


def sheet_path(out: str) -> str:
    """Return the path of the picture in the folder of a pair."""
    return osp.join(out, 'sheet.png')
