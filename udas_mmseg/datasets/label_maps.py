"""Mapping raw label ids to train ids with look-up tables."""
from functools import lru_cache
from typing import Any, Dict, Mapping, Optional, Tuple, Union

import cv2
import numpy as np

from .label_colors import MAX_COLORS, Color, check_color

IGNORE = 255
PALETTE = 'palette'  # the name of the map with the colours of `metainfo.palette`

BOTH_MAPPED = ('reduce_zero_label=True together with a `label_map`: it is unclear to which of the ids the map applies. '
               'Set reduce_zero_label=False, and map 0 to 255 in `label_map` if 0 is to be ignored.')

LabelMap = Union[str, Mapping[int, int], Mapping[Color, int]]

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


class LabelMapError(ValueError):
    """A label has an id or a colour that its map does not contain."""


def resolve_label_map(label_map: LabelMap) -> Dict[Any, int]:
    """Return a label map as a complete dictionary.

    Args:
        label_map (str | dict): `'cityscapes'`, `'synthia'`, a dict raw id -> train id, or a dict
            (red, green, blue) -> train id. Raw ids between 0 and the largest id in the dict that are not in the dict
            become 255.

    Returns:
        dict: raw id -> train id, for every id from 0 to the largest id in the dict; or colour -> train id.

    Raises:
        ValueError: for an unknown name, an empty map, something other than a dict, keys that are neither ids nor
            colours, or an id outside 0-65535 (raw) or 0-255 (train).
    """
    if isinstance(label_map, str):
        return dict(_built_in(label_map))
    if not isinstance(label_map, Mapping):
        raise ValueError(_no_dict(label_map))
    if not label_map:
        raise ValueError('label_map is empty. Name at least one raw id, e.g. {0: 0, 1: 1}.')
    named: Dict[Any, int] = {}
    for raw, train in label_map.items():
        key = check_color(raw) if isinstance(raw, (tuple, list)) else _integer(raw, raw, train)
        if key in named:  # 7 and '7', as after --cfg-options
            raise ValueError(f'label_map has {key} twice, as a number and as text. Remove one of them.')
        named[key] = _integer(train, raw, train)
    wrong = [(raw, train) for raw, train in named.items()
             if not 0 <= train <= IGNORE or (isinstance(raw, int) and not 0 <= raw <= 65535)]
    if wrong:
        raw, train = wrong[0]
        raise ValueError(f'label_map has {raw}: {train}. Raw ids are 0-65535; train ids 0-254, or 255 to ignore.')
    if not any(isinstance(raw, tuple) for raw in named):
        top = max((raw for raw in named if raw != IGNORE), default=IGNORE)
        return {**{raw: named.get(raw, IGNORE) for raw in range(top + 1)}, **named}
    if not all(isinstance(raw, tuple) for raw in named) or len(named) > MAX_COLORS:
        raise ValueError(f'label_map has {len(named)} entries with colours: at most {MAX_COLORS} colours are allowed, '
                         'and none of the keys may be an id.')
    return named


def _built_in(name: str) -> Dict[int, int]:
    if name == PALETTE:
        raise ValueError(f'label_map={PALETTE!r} is for LabelMappedDataset, which has the colours of '
                         '`metainfo.palette`. Set it there, or give the colours: {(128, 64, 128): 0, ...}.')
    if name not in BUILT_IN_LABEL_MAPS:
        raise ValueError(f'label_map={name!r} is unknown. Allowed: {sorted(BUILT_IN_LABEL_MAPS)}, {PALETTE!r}, or a '
                         'dict raw id -> train id such as dict({7: 0, 8: 1}).')
    return BUILT_IN_LABEL_MAPS[name]


def _no_dict(label_map: Any) -> str:
    """Describe what was given in place of a dict, with the dict that it may mean."""
    text = f'label_map is a {type(label_map).__name__}, but it must be a dict raw id -> train id'
    if isinstance(label_map, (list, tuple)) and label_map and all(isinstance(train, int) for train in label_map):
        first = ', '.join(f'{raw}: {train}' for raw, train in enumerate(label_map[:3]))
        return f'{text}: {{{first}{", ..." if len(label_map) > 3 else ""}}} if its positions are the raw ids.'
    return f'{text}, such as {{7: 0, 8: 1}}.'


def _integer(value: Any, raw: Any, train: Any) -> int:
    """Return an id of the entry `raw: train`. Text of digits is allowed, because the keys of JSON are text."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    raise ValueError(f'label_map has {raw!r}: {train!r}. Both must be integers: the raw id in the label files (or a '
                     'colour (red, green, blue)), and the train id, which is the position of the class in '
                     '`metainfo.classes`: 0 for the first, 255 to ignore.')


def compose_label_maps(first: Mapping[Any, int], second: Mapping[int, int]) -> Dict[Any, int]:
    """Return the map that applies `first` and then `second`; ids that `second` does not contain become 255."""
    return {raw: IGNORE if train == IGNORE else second.get(train, IGNORE) for raw, train in first.items()}


def reduced_map(second: Optional[Mapping[int, int]] = None) -> Dict[int, int]:
    """Return the map of MMSegmentation's `reduce_zero_label`: 0 becomes 255, 255 stays, other ids are reduced by 1.

    Args:
        second (dict[int, int], optional): Map that is applied afterwards, as MMSegmentation does with a subset of
            classes. Ids that it does not contain are left out. Defaults to None: every id from 0 to 254 stays.
    """
    kept = {train: train for train in range(IGNORE)} if second is None else second
    reduced = {train + 1: kept[train] for train in sorted(kept) if 0 <= train < IGNORE - 1}
    return {0: IGNORE, **reduced, IGNORE: IGNORE}


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


def count_ids(label: np.ndarray) -> np.ndarray:
    """Count the pixels of each id.

    Args:
        label (np.ndarray): (H, W) integers in {0..255}, fewer than 2^24.

    Returns:
        np.ndarray: (256, ) int64.
    """
    histogram = cv2.calcHist([np.ascontiguousarray(label, np.uint8)], [0], None, [256], [0, 256])
    return histogram.ravel().astype(np.int64)


def _ranges(known: np.ndarray) -> str:
    """Describe the known ids, for example '0-34, 255'."""
    ids = np.flatnonzero(known)
    runs = np.split(ids, np.flatnonzero(np.diff(ids) > 1) + 1)
    return ', '.join(f'{run[0]}-{run[-1]}' if len(run) > 1 else f'{run[0]}' for run in runs)
