"""Whether a label map fits the ids in label files, and which other map would."""
from typing import Any, Dict, Mapping, Optional, Sequence

import numpy as np

from .label_files import LabelFormatError, read_label
from .label_maps import BUILT_IN_LABEL_MAPS, IGNORE, count_ids

TRAIN_IDS = 'None (train ids)'  # how messages name labels that need no map
_BUILT_IN_CLASSES = 19  # the built-in maps lead to the classes of Cityscapes


def count_raw_ids(labels: Sequence[Mapping[str, Any]], backend_args: Optional[dict] = None) -> np.ndarray:
    """Count the pixels of each id in label files, before they are mapped.

    Args:
        labels (Sequence[Mapping]): `seg_map_path` of each file, and `label_channel` if it has one.
        backend_args (dict, optional): Arguments of MMEngine's file backend. Defaults to None.

    Returns:
        np.ndarray: (65536, ) int64; zeros if a file has colours.
    """
    counts = np.zeros(65536, np.int64)
    for label in labels:
        try:
            raw = read_label(label['seg_map_path'], backend_args, label.get('label_channel'))
        except LabelFormatError:
            return np.zeros_like(counts)
        found = count_ids(raw) if raw.dtype == np.uint8 else np.bincount(raw.ravel())
        counts[:len(found)] += found
    return counts


def ignored_share(counts: np.ndarray, label_map: Optional[Mapping[int, int]]) -> float:
    """Return the share of pixels that a map ignores, in [0, 1]. Pixels that are 255 in the files do not count.

    Args:
        counts (np.ndarray): See `count_raw_ids`.
        label_map (dict[int, int], optional): raw id -> train id; None if the files have train ids.
    """
    return sum(unmapped_ids(counts, label_map).values()) / max(1, int(counts.sum() - counts[IGNORE]))


def unmapped_ids(counts: np.ndarray, label_map: Optional[Mapping[int, int]]) -> Dict[int, int]:
    """Return the ids in label files that a map ignores, with their pixels; see `ignored_share`."""
    return {raw: int(counts[raw]) for raw in _ids(counts)
            if label_map is not None and label_map.get(raw, IGNORE) == IGNORE}


def fitting_maps(counts: np.ndarray, num_classes: int, below: float = 1.0) -> str:
    """Describe the maps that contain all ids of label files.

    Args:
        counts (np.ndarray): See `count_raw_ids`.
        num_classes (int): Number of classes of the data set.
        below (float): Only maps that ignore at most this share of the pixels are named. Defaults to 1.

    Returns:
        str: A sentence that begins with a space, or ''.

    Example:
        >>> fitting_maps(count_raw_ids([dict(seg_map_path='gtFine/a_labelIds.png')]), 19)
        " The ids would fit label_map='cityscapes' (12.1 % of the pixels ignored)."
    """
    maps: Dict[str, Optional[Mapping[int, int]]] = {TRAIN_IDS: None}
    if num_classes == _BUILT_IN_CLASSES:
        maps.update({repr(name): label_map for name, label_map in BUILT_IN_LABEL_MAPS.items()})
    ids = _ids(counts)
    shares = {name: ignored_share(counts, label_map) for name, label_map in maps.items()
              if ids and set(ids) <= set(range(num_classes) if label_map is None else label_map)}
    fitting = [f'label_map={name} ({100 * share:.1f} % of the pixels ignored)'
               for name, share in sorted(shares.items(), key=lambda item: item[1]) if share < 1 and share <= below]
    return f' The ids would fit {" or ".join(fitting)}.' if fitting else ''


def _ids(counts: np.ndarray) -> list:
    """Return the ids that occur, without 255."""
    return [raw for raw in np.flatnonzero(counts).tolist() if raw != IGNORE]
