"""Mapping raw label ids to train ids with look-up tables."""
from functools import lru_cache
from typing import Dict, Mapping, Tuple, Union

import cv2
import numpy as np

IGNORE = 255

LabelMap = Union[str, Mapping[int, int]]

# Cityscapes label id -> train id. GTA5's palette images and KITTI's labels use the same ids; 34 is GTA5's licence plate
# (-1 in Cityscapes). Source: Cityscapes' label definitions.
_CITYSCAPES_TRAIN_IDS = {
    7: 0, 8: 1, 11: 2, 12: 3, 13: 4, 17: 5, 19: 6, 20: 7, 21: 8, 22: 9, 23: 10, 24: 11, 25: 12, 26: 13, 27: 14, 28: 15,
    31: 16, 32: 17, 33: 18,
}  # yapf: disable

# SYNTHIA-RAND-CITYSCAPES id -> Cityscapes train id. The ids 13 (parking slot), 14 (road work) and 22 (lane marking) are
# ignored, as in the published SYNTHIA -> Cityscapes protocol. Terrain, truck and train occur in the files, but are not
# among the 16 classes that are scored.
_SYNTHIA_TRAIN_IDS = {
    1: 10, 2: 2, 3: 0, 4: 1, 5: 4, 6: 8, 7: 5, 8: 13, 9: 7, 10: 11, 11: 18, 12: 17, 15: 6, 16: 9, 17: 12, 18: 14,
    19: 15, 20: 16, 21: 3,
}  # yapf: disable

BUILT_IN_LABEL_MAPS: Dict[str, Dict[int, int]] = {
    'cityscapes': {raw: _CITYSCAPES_TRAIN_IDS.get(raw, IGNORE) for raw in range(35)},
    'synthia': {raw: _SYNTHIA_TRAIN_IDS.get(raw, IGNORE) for raw in range(23)},
}


def resolve_label_map(label_map: LabelMap) -> Dict[int, int]:
    """Return a label map as a complete dictionary.

    Args:
        label_map (str | dict): `'cityscapes'`, `'synthia'`, or a dict raw id -> train id. Raw ids between 0 and the
            largest id in the dict that are not in the dict become 255.

    Returns:
        dict[int, int]: raw id -> train id, for every id from 0 to the largest id in the dict.

    Raises:
        ValueError: for an unknown name, an empty map, or an id outside 0-65535 (raw) or 0-255 (train).
    """
    if isinstance(label_map, str):
        if label_map not in BUILT_IN_LABEL_MAPS:
            raise ValueError(f'label_map={label_map!r} is unknown. Allowed: {sorted(BUILT_IN_LABEL_MAPS)}, or a dict '
                             'raw id -> train id such as dict({7: 0, 8: 1}).')
        return dict(BUILT_IN_LABEL_MAPS[label_map])
    named = {int(raw): int(train) for raw, train in label_map.items()}
    if not named:
        raise ValueError('label_map is empty. Name at least one raw id, e.g. {0: 0, 1: 1}.')
    for raw, train in named.items():
        if not (0 <= raw <= 65535 and 0 <= train <= IGNORE):
            raise ValueError(f'label_map has {raw}: {train}. Raw ids are 0-65535; train ids 0-254, or 255 to ignore.')
    top = max((raw for raw in named if raw != IGNORE), default=IGNORE)
    return {**{raw: named.get(raw, IGNORE) for raw in range(top + 1)}, **named}


def compose_label_maps(first: Mapping[int, int], second: Mapping[int, int]) -> Dict[int, int]:
    """Return the map that applies `first` and then `second`; ids that `second` does not contain become 255."""
    return {raw: IGNORE if train == IGNORE else second.get(train, IGNORE) for raw, train in first.items()}


@lru_cache(maxsize=64)
def _lookup_tables(items: Tuple[Tuple[int, int], ...]) -> Tuple[np.ndarray, np.ndarray]:
    """Return two uint8 tables over all 16-bit raw ids: the train id, and 1 if the map does not contain the id."""
    table = np.full(65536, IGNORE, np.uint8)
    unknown = np.ones(65536, np.uint8)
    unknown[IGNORE] = 0  # 255 means "ignore" in every format, unless the map contains it
    for raw, train in items:
        table[raw], unknown[raw] = train, 0
    return table, unknown


def _take(table: np.ndarray, raw: np.ndarray) -> np.ndarray:
    """Return `table[raw]` as a new array. OpenCV's look-up is several times faster, but supports uint8 only."""
    return cv2.LUT(raw, table[:256]) if raw.dtype == np.uint8 else table[raw]


def map_labels(raw: np.ndarray, label_map: Mapping[int, int]) -> np.ndarray:
    """Map raw ids to train ids.

    Args:
        raw (np.ndarray): (H, W), uint8 or uint16 raw ids. 255 stays 255 unless the map contains it.
        label_map (dict[int, int]): raw id -> train id, see `resolve_label_map`.

    Returns:
        np.ndarray: (H, W) uint8 train ids in {0..C-1, 255}; a new array.

    Raises:
        ValueError: if an id is outside the map.
    """
    table, unknown = _lookup_tables(tuple(sorted(label_map.items())))
    # usually the maximum shows in one cheap pass that all ids are known
    if unknown[:int(raw.max(initial=0)) + 1].any() and _take(unknown, raw).any():
        first = next(value for value in np.unique(raw).tolist() if unknown[value])
        raise ValueError(f'id {first} is not mapped. Known ids: {_ranges(unknown == 0)}. Add it to `label_map`, or map '
                         'it to 255.')
    return _take(table, raw)


def _ranges(known: np.ndarray) -> str:
    """Describe the known ids, for example '0-34, 255'."""
    ids = np.flatnonzero(known)
    runs = np.split(ids, np.flatnonzero(np.diff(ids) > 1) + 1)
    return ', '.join(f'{run[0]}-{run[-1]}' if len(run) > 1 else f'{run[0]}' for run in runs)
