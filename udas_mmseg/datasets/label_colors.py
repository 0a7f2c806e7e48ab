"""Mapping the colours of label images to train ids."""
from functools import lru_cache
from typing import Any, Dict, List, Mapping, Sequence, Tuple

import cv2
import numpy as np

Color = Tuple[int, int, int]  # red, green, blue

MAX_COLORS = 255
_SHOWN = 6  # colours that a message lists
_MANY = 32  # more unknown colours than this come from smoothing or compression, not from classes


def pack_colors(bgr: np.ndarray) -> np.ndarray:
    """Return each colour as one integer, red * 65536 + green * 256 + blue.

    Args:
        bgr (np.ndarray): (H, W, 3 or more) uint8, in OpenCV's order. Channels after the third are ignored.

    Returns:
        np.ndarray: (H, W) uint32.
    """
    packed = bgr[:, :, 2].astype(np.uint32)
    for channel in (1, 0):
        packed <<= 8
        packed |= bgr[:, :, channel]
    return packed


def map_colors(colors: np.ndarray, label_map: Mapping[Color, int]) -> np.ndarray:
    """Map colours to train ids.

    Args:
        colors (np.ndarray): (H, W) uint32, see `pack_colors`.
        label_map (dict): (red, green, blue) -> train id, see `resolve_label_map`.

    Returns:
        np.ndarray: (H, W) uint8 train ids in {0..C-1, 255}.

    Raises:
        ValueError: if a colour is not in the map.
    """
    numbers, train_ids = _tables(tuple(sorted(label_map.items())))
    found = numbers[colors]
    unknown = found == 0
    if unknown.any():
        rest = colors[unknown]
        count = len(np.unique(rest))
        hint = ' So many colours come from smoothing or lossy compression; labels need exact colours.'
        raise ValueError(f'{count} colours are not mapped, {len(rest) / colors.size:.2%} of the pixels: '
                         f'{describe_colors(rest, colors.size)}.{hint if count > _MANY else ""} Known colours: '
                         f'{_first(list(label_map))}. Add them to `label_map`, with 255 for those to ignore.')
    return cv2.LUT(found, train_ids)


@lru_cache(maxsize=16)
def _tables(items: Tuple[Tuple[Color, int], ...]) -> Tuple[np.ndarray, np.ndarray]:
    """Return the number of each colour in the map (0: unknown), and the train id of each number."""
    numbers = np.zeros(1 << 24, np.uint8)  # the system allocates only the pages that are used
    train_ids = np.zeros(256, np.uint8)
    for number, ((red, green, blue), train) in enumerate(items, 1):
        numbers[red << 16 | green << 8 | blue] = number
        train_ids[number] = train
    return numbers, train_ids


def describe_colors(colors: np.ndarray, total: int = 0) -> str:
    """List the most frequent colours with their shares, such as '(0, 0, 255) 62%, (90, 60, 30) 38%'.

    Args:
        colors (np.ndarray): Packed colours, any shape.
        total (int): Number of pixels of which the shares are. Defaults to 0: those of `colors`.
    """
    values, counts = np.unique(colors, return_counts=True)
    order = np.argsort(-counts, kind='stable')
    shown = [f'{unpack_color(int(values[place]))} {counts[place] / (total or colors.size):.2%}'
             for place in order[:_SHOWN]]
    more = len(values) - len(shown)
    return ', '.join(shown) + (f' and {more} more' if more else '')


def is_color_map(label_map: Any) -> bool:
    """Whether a resolved label map has colours, not ids."""
    return bool(label_map) and isinstance(next(iter(label_map)), tuple)


def palette_map(metainfo: Mapping[str, Any], declared: Mapping[str, Any]) -> Dict[Color, int]:
    """Return the map from the colours of a palette to the train ids of their classes.

    Args:
        metainfo (Mapping): `metainfo` of the data set's config: `classes` and `palette`, if given there.
        declared (Mapping): `METAINFO` of the data set's class. If the config selects some of its classes, train ids
            are those of all classes: MMSegmentation selects afterwards.

    Returns:
        dict: (red, green, blue) -> train id.

    Raises:
        ValueError: if there is no palette, it does not have a colour for each class, or two classes have the same.
    """
    palette = metainfo.get('palette') or declared.get('palette')
    selected = list(metainfo.get('classes') or declared.get('classes') or ())
    classes = list(declared.get('classes') or selected)
    if not palette:
        raise ValueError("label_map='palette' needs `metainfo.palette`, with a colour [red, green, blue] for each "
                         'class. Add it, or give the colours in `label_map`.')
    names = selected if metainfo.get('palette') and len(palette) == len(selected) else classes
    if len(palette) != len(names):
        raise ValueError(f"label_map='palette': `metainfo.palette` has {len(palette)} colours for {len(names)} "
                         'classes. Give one colour for each class.')
    found: Dict[Color, int] = {}
    for name, color in zip(names, palette):
        key = check_color(color)
        if key in found:
            raise ValueError(f"label_map='palette': {name!r} and {classes[found[key]]!r} have the same colour {key}. "
                             'Correct `metainfo.palette`, or give the colours in `label_map`.')
        found[key] = classes.index(name)
    return found


def check_color(color: Sequence[Any]) -> Color:
    """Return a colour as a tuple.

    Raises:
        ValueError: if it does not have three integers from 0 to 255.
    """
    values = tuple(color)
    good = len(values) == 3 and all(isinstance(value, (int, np.integer)) and 0 <= value <= 255 for value in values)
    if not good:
        raise ValueError(f'label_map has the colour {values}: a colour is (red, green, blue) with integers from 0 to '
                         '255.')
    red, green, blue = map(int, values)
    return red, green, blue


def unpack_color(color: int) -> Color:
    """Return a colour of `pack_colors` as (red, green, blue)."""
    return color >> 16, color >> 8 & 255, color & 255


def _first(colors: List[Color], count: int = 20) -> str:
    return ', '.join(map(str, colors[:count])) + (f' and {len(colors) - count} more' if len(colors) > count else '')
