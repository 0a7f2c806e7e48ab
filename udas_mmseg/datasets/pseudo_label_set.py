"""Reading a folder of pseudo-labels that `tools/pseudo_label.py` wrote.

`<root>/<image>.png` has train ids before any threshold, `<root>/<image>_confidence.png` their confidences, and
`<root>/index.json` the settings of the labelling. The folder gets its name when all files are written.
"""
import math
import os
import os.path as osp
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Set, Tuple

import numpy as np

from ..utils.mirrored_folder import INDEX, read_index
from .image_files import SampleError
from .image_folders import list_files
from .label_files import read_label
from .thresholds import LEVELS

_ENDING = '.png'
HOW_TO_MAKE = '`python tools/pseudo_label.py CONFIG CHECKPOINT --out'


def confidence_path(label: str) -> str:
    """Return the path of the confidence of a label: `<name>_confidence.png` for `<name>.png`."""
    return f'{label[:-len(_ENDING)]}_confidence{_ENDING}'


def read_pseudo_label(path: str, backend_args: Optional[dict] = None) -> Tuple[np.ndarray, np.ndarray]:
    """Read a label and its confidence.

    Args:
        path (str): Path of the label; its confidence is in the same folder.
        backend_args (dict, optional): Arguments of MMEngine's file backend. Defaults to None.

    Returns:
        tuple: train ids before any threshold and confidences (255 is 1.0), both (H, W) uint8.

    Raises:
        SampleError: if a file is missing, broken or has more than 8 bits, or both have different sizes.
    """
    paths = path, confidence_path(path)
    if backend_args is None and not osp.isfile(paths[1]):
        raise SampleError(f'{paths[1]} does not exist. It must be in the folder of the label {path}; {HOW_TO_MAKE} '
                          'DIR` writes both. Use LoadLabelIds for labels without confidences.')
    label, confidence = (read_label(part, backend_args) for part in paths)
    for part, pixels in zip(paths, (label, confidence)):
        if pixels.dtype != np.uint8:
            raise SampleError(f'{part} has pixels of {pixels.dtype}; pseudo-labels and their confidences have 8 bits. '
                              f'Was it written by {HOW_TO_MAKE} DIR`?')
    if label.shape != confidence.shape:
        sizes = ['x'.join(map(str, pixels.shape[::-1])) for pixels in (label, confidence)]
        raise SampleError(f'{paths[0]} is {sizes[0]}, but {paths[1]} is {sizes[1]} (width x height). They must have '
                          'the same size: label the images again.')
    return label, confidence


def read_set_index(root: str, option: str = 'pseudo_label_root') -> Dict[str, Any]:
    """Read the index of a complete set.

    Args:
        root (str): Folder of the set.
        option (str): Name of the option with the folder, for messages. Defaults to 'pseudo_label_root'.

    Raises:
        FileNotFoundError: if the folder does not exist.
        ValueError: if it is not a set of pseudo-labels, or not complete.
    """
    if not osp.isdir(root):
        begun = f' {root}.part is not complete: run its command again.' if osp.isdir(f'{root}.part') else ''
        raise FileNotFoundError(f'{option}={root!r} is not a folder (looked in {osp.abspath(osp.curdir)}, not in '
                                f'`data_root`).{begun} Create it with {HOW_TO_MAKE} {root}`, or let the self-training '
                                'runner make it.')
    index = read_index(Path(root), 'teacher')
    if index is None:
        raise ValueError(f'{option}={root!r} has no {INDEX} that describes how its labels were made, so it is not a '
                         f'set of pseudo-labels. Use the folder that {HOW_TO_MAKE} DIR` wrote.')
    if 'num_images' not in index:
        raise ValueError(f'{option}={root!r} is not complete: its {INDEX} has no `num_images`. Run its command again '
                         'to complete it.')
    return index


def check_set_classes(index: Mapping[str, Any], classes: Tuple[str, ...], root: str, owner: str) -> None:
    """Check that the labels have the classes of a data set.

    Raises:
        ValueError: if the classes differ; the message has both.
    """
    theirs = tuple(index.get('classes') or ())
    if theirs != classes:
        raise ValueError(f'the pseudo-labels in {root} have the {len(theirs)} classes {theirs}, but {owner} has '
                         f'{len(classes)}: {classes}. Names and order must be the same: correct `metainfo` '
                         "(metainfo='CityscapesDataset' uses its classes), or label the images with a teacher of "
                         'these classes.')


def set_histogram(index: Mapping[str, Any]) -> Optional[np.ndarray]:
    """Return the pixels of each class by stored confidence, (C, 256) int64; None if the index does not have them."""
    counts = index.get('confidence_histogram')
    if not counts:
        return None
    histogram = np.array([counts[name] for name in index['classes']], np.int64).reshape(-1, LEVELS)
    histogram.flags.writeable = False  # all samples share it
    return histogram


def most_reliable(labels: Sequence[str], index: Mapping[str, Any], share: float, root: str) -> Set[str]:
    """Choose the labels whose images have the highest scores.

    Args:
        labels (Sequence[str]): Paths of labels below the folder of the set. Of equal scores, the first are chosen.
        index (Mapping): Content of `index.json`, with `image_scores`.
        share (float): Share of the labels in (0, 1], rounded up.
        root (str): Folder of the set, for the message.

    Returns:
        set[str]: The chosen paths.

    Raises:
        ValueError: if the images have no scores.
    """
    if 'image_scores' not in index:
        raise ValueError(f'image_share={share}, but the images of {root} have no scores (`image_scores` in {INDEX}). '
                         'Label them with agreement=dict(score=True): --agreement score=True of tools/pseudo_label.py, '
                         'or self_training.label.agreement.')
    scores = {osp.splitext(name)[0] + _ENDING: score for name, score in index['image_scores'].items()}
    ranked = sorted(labels, key=lambda label: -scores[label])
    return set(ranked[:math.ceil(share * len(ranked) - 1e-6)])


def list_labels(root: str) -> List[str]:
    """Return the sorted paths of the labels in a set, below its folder: the pictures that have a confidence."""
    found = {path.replace(os.sep, '/') for path in list_files(root, _ENDING)}
    return sorted(path for path in found if confidence_path(path) in found)
