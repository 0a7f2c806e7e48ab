"""Reading a folder of pseudo-labels that `tools/pseudo_label.py` wrote.

`<root>/<image>.png` holds train ids before any threshold, `<root>/<image>_confidence.png` their confidences, and
`<root>/index.json` the settings they were made with. The folder appears when all files are written.
"""
import os
import os.path as osp
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Tuple

import numpy as np
from mmengine import fileio

from ..utils.mirrored_folder import INDEX, read_index
from .image_files import SampleError, read_label
from .thresholds import LEVELS

_ENDING = '.png'
HOW_TO_MAKE = '`python tools/pseudo_label.py CONFIG CHECKPOINT --out'


def confidence_path(label: str) -> str:
    """Where a set has the confidence of a label: `<name>_confidence.png` beside `<name>.png`."""
    return f'{label[:-len(_ENDING)]}_confidence{_ENDING}'


def read_pseudo_label(path: str, backend_args: Optional[dict] = None) -> Tuple[np.ndarray, np.ndarray]:
    """Read a label and its confidence.

    Args:
        path (str): The label, with its confidence beside it.
        backend_args (dict, optional): Arguments of MMEngine's file backend. Defaults to None.

    Returns:
        tuple: train ids before any threshold and confidences (255 is 1.0), both (H, W) uint8.

    Raises:
        SampleError: if a file is missing, broken or has more than 8 bits, or the two differ in size.
    """
    paths = path, confidence_path(path)
    if backend_args is None and not osp.isfile(paths[1]):
        raise SampleError(f'{paths[1]} does not exist. It must be beside the label {path}; {HOW_TO_MAKE} DIR` writes '
                          'both. A label without confidences is read by LoadLabelIds.')
    label, confidence = (read_label(part, backend_args) for part in paths)
    for part, pixels in zip(paths, (label, confidence)):
        if pixels.dtype != np.uint8:
            raise SampleError(f'{part} has pixels of {pixels.dtype}; pseudo-labels and their confidences have 8 bits. '
                              f'Was it written by {HOW_TO_MAKE} DIR`?')
    if label.shape != confidence.shape:
        sizes = ['x'.join(map(str, pixels.shape[::-1])) for pixels in (label, confidence)]
        raise SampleError(f'{paths[0]} is {sizes[0]}, but {paths[1]} is {sizes[1]} (width x height). They must be of '
                          'the same size: label the images again.')
    return label, confidence


def read_set_index(root: str, option: str = 'pseudo_label_root') -> Dict[str, Any]:
    """The index of a complete set.

    Args:
        root (str): The folder.
        option (str): What a user calls it, for messages. Defaults to 'pseudo_label_root'.

    Raises:
        FileNotFoundError: if there is no such folder.
        ValueError: if it is no set of pseudo-labels, or not complete.
    """
    if not osp.isdir(root):
        begun = f' {root}.part was begun: the command that began it goes on.' if osp.isdir(f'{root}.part') else ''
        raise FileNotFoundError(f'{option}={root!r} is no folder (looked in {osp.abspath(osp.curdir)}; it is not below '
                                f'`data_root`).{begun} Make it with {HOW_TO_MAKE} {root}`, or let the self-training '
                                'runner make it.')
    index = read_index(Path(root), 'teacher')
    if index is None:
        raise ValueError(f'{option}={root!r} has no {INDEX} that says what its labels were made with, so that it is '
                         f'no set of pseudo-labels. Give the folder that {HOW_TO_MAKE} DIR` wrote.')
    if 'num_images' not in index:
        raise ValueError(f'{option}={root!r} is not complete: its {INDEX} has no `num_images`. The command that began '
                         'it goes on where it stopped, and renames the folder at the end.')
    return index


def check_set_classes(index: Mapping[str, Any], classes: Tuple[str, ...], root: str, owner: str) -> None:
    """Check that the labels are of the classes that a data set has.

    Raises:
        ValueError: showing both.
    """
    theirs = tuple(index.get('classes') or ())
    if theirs != classes:
        raise ValueError(f'the pseudo-labels in {root} are of the {len(theirs)} classes {theirs}, but {owner} has '
                         f'{len(classes)}: {classes}. Names and order must be the same: correct `metainfo` '
                         "(metainfo='CityscapesDataset' takes that data set's), or label the images with a teacher of "
                         'these classes.')


def set_histogram(index: Mapping[str, Any]) -> Optional[np.ndarray]:
    """Pixels of each class by stored confidence, (C, 256) int64; None if the index does not say."""
    counts = index.get('confidence_histogram')
    if not counts:
        return None
    histogram = np.array([counts[name] for name in index['classes']], np.int64).reshape(-1, LEVELS)
    histogram.flags.writeable = False  # one for all samples
    return histogram


def list_labels(root: str) -> List[str]:
    """Labels in a set, below its folder, sorted: the pictures that have a confidence beside them."""
    found = {path.replace(os.sep, '/') for path in fileio.list_dir_or_file(root, list_dir=False, suffix=_ENDING,
                                                                             recursive=True)}
    return sorted(path for path in found if confidence_path(path) in found)
