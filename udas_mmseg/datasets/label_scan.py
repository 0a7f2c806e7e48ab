"""Recognising how label files encode classes, and counting the ids or colours in them."""
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np
from PIL import Image

from .image_files import SampleError
from .label_colors import MAX_COLORS, Color, unpack_color
from .label_files import LabelFormatError, read_colors, read_label
from .label_maps import IGNORE

Value = Union[int, Color]  # an id, or a colour (red, green, blue)

IDS, COLORS = 'ids', 'colors'
_COLORED = ('RGB', 'RGBA', 'RGBX', 'CMYK', 'YCbCr', 'LAB', 'HSV')  # modes of Pillow
_MODES = {'1': '1 bit', 'L': 'grey, 8 bits', 'P': 'palette', 'PA': 'palette', 'LA': 'grey with alpha',
          'I;16': 'grey, 16 bits', 'I;16B': 'grey, 16 bits', 'I': 'integers of 16 or 32 bits', 'F': 'floating point',
          'RGB': 'colours', 'RGBA': 'colours with alpha'}  # yapf: disable
_MANY_COLORS = 32  # more colours than this come from instance ids or smoothing, not from classes
_MANY_IDS = 254
_LARGEST_CLASS = 63  # in a channel of class ids beside channels of instance ids


@dataclass
class LabelScan:
    """The ids or colours in label files, and how they encode classes.

    Attributes:
        form: 'ids' or 'colors'.
        kind: Description of the files, such as 'palette'.
        channel: Channel of colour images that has the ids ('red'), or None: all files are read as they are known.
        pixels: Pixels of each id or colour, sorted by id or colour.
        examples: The file with the most pixels of each id or colour.
        palette: Colour of each id, if the files have a palette.
        shapes: (height, width) of each file that could be read.
        broken: Message about each file that could not be read.
        doubts: Sentences about what is not sure.
        is_partial: Whether there are more files, which may have other ids or colours. The caller sets it.
    """
    form: str = IDS
    kind: str = ''
    channel: Optional[str] = None
    pixels: Dict[Value, int] = field(default_factory=dict)
    examples: Dict[Value, str] = field(default_factory=dict)
    palette: Dict[int, Color] = field(default_factory=dict)
    shapes: Dict[str, Tuple[int, int]] = field(default_factory=dict)
    broken: Dict[str, str] = field(default_factory=dict)
    doubts: List[str] = field(default_factory=list)
    is_partial: bool = False

    @property
    def is_binary(self) -> bool:
        """Whether the labels are masks of 0 and 255."""
        return self.form == IDS and set(self.pixels) <= {0, IGNORE} and IGNORE in self.pixels

    @property
    def values(self) -> List[Value]:
        """The ids or colours that may be classes: 255 is ignored, except in masks of 0 and 255."""
        return [value for value in self.pixels if value != IGNORE or self.is_binary]

    def share(self, value: Value) -> float:
        """Return the share of an id or colour in the pixels, 0-1."""
        return self.pixels.get(value, 0) / max(1, sum(self.pixels.values()))


def scan_labels(paths: Sequence[str], progress: Callable[[int], Any] = lambda done: None) -> LabelScan:
    """Read label files, and recognise whether they have ids or colours.

    Colour images whose channels are not known to have ids (see `decode_label`) are labels of colours. If they have more
    than 32 colours, but red has few and small values, red is the id, and the other channels count instances.

    Args:
        paths (Sequence[str]): Label files.
        progress (Callable): Called with the number of files that were read.

    Returns:
        LabelScan: What was found. Broken files are listed in it.

    Raises:
        LabelFormatError: if a file is complete but has neither exact ids nor exact colours, such as a JPEG; if there
            are more ids or colours than labels have; or if no file can be read.
    """
    modes = Counter(_mode_of(path) for path in paths)
    scan = LabelScan(kind=' and '.join(_MODES.get(mode, mode) for mode, _ in modes.most_common() if mode))
    is_colored = any(mode in _COLORED for mode in modes)
    if is_colored and not _all_have_ids(paths):
        scan.form = COLORS
        _count(scan, paths, read_colors, progress)
        if len(scan.pixels) > _MANY_COLORS:
            _use_red_channel(scan, paths, progress)
    else:
        _count(scan, paths, read_label, progress)
        if is_colored:
            scan.kind += ', ids in the red or in all channels'
    if not scan.pixels:
        raise LabelFormatError(f'none of {len(paths)} label files can be read. The first: '
                               f'{next(iter(scan.broken.values()), "there is none")}')
    if scan.form == IDS and len(scan.values) > _MANY_IDS:
        raise LabelFormatError(f'the labels, such as {paths[0]}, have {len(scan.values)} ids, but {_MANY_IDS} is the '
                               'highest number. Are these images, depth maps or instance ids?')
    scan.palette = next((found for found in map(_palette_of, scan.shapes) if found), {})
    return scan


def _all_have_ids(paths: Sequence[str]) -> bool:
    """Whether every file that can be read has ids."""
    for path in paths:
        try:
            read_label(path)
        except LabelFormatError:
            return False
        except SampleError:
            continue
    return True


def _count(scan: LabelScan, paths: Sequence[str], read: Callable[[str], np.ndarray],
           progress: Callable[[int], Any]) -> None:
    """Count the values in all files, replacing earlier counts."""
    pixels: Counter = Counter()
    largest: Dict[int, int] = {}
    examples: Dict[int, str] = {}
    for number, path in enumerate(paths, 1):
        progress(number)
        try:
            raw = read(path)
        except SampleError as error:
            scan.broken[path] = str(error)
            continue
        scan.shapes[path] = raw.shape[0], raw.shape[1]
        for value, count in count_values(raw).items():
            pixels[value] += count
            if count > largest.get(value, 0):
                largest[value], examples[value] = count, path
    named = {value: unpack_color(value) if read is read_colors else value for value in sorted(pixels)}
    scan.pixels = {name: pixels[value] for value, name in named.items()}
    scan.examples = {name: examples[value] for value, name in named.items()}


def count_values(raw: np.ndarray) -> Mapping[int, int]:
    """Count the pixels of each value. Labels have long runs of one value, so that only their ends are sorted.

    Args:
        raw (np.ndarray): (H, W) integers.

    Returns:
        dict[int, int]: Number of pixels by value.
    """
    flat = raw.ravel()
    ends = np.append(np.flatnonzero(flat[1:] != flat[:-1]), flat.size - 1) if flat.size else np.zeros(0, np.int64)
    values, places = np.unique(flat[ends], return_inverse=True)
    counts = np.bincount(places, np.diff(ends, prepend=-1), len(values))
    return {int(value): int(count) for value, count in zip(values, counts)}


def _use_red_channel(scan: LabelScan, paths: Sequence[str], progress: Callable[[int], Any]) -> None:
    """Read the ids in the red channel if the many colours come from instance ids in the others."""
    reds, rest = {color[0] for color in scan.pixels}, {color[1:] for color in scan.pixels}  # type: ignore[index]
    if max(reds) <= _LARGEST_CLASS and len(rest) > len(reds):
        count = len(scan.pixels)
        scan.form, scan.channel = IDS, 'red'
        _count(scan, paths, lambda path: read_label(path, channel='red'), progress)
        scan.kind += ', ids in the red channel'
        scan.doubts.append(f'There are {count} colours, but only {len(reds)} values of red: red is taken for the class '
                           "and green and blue for the instance. If not, change label_channel='red' in dataset.py.")
        return
    many = (f'{len(scan.pixels)} colours: so many come from smoothing or lossy compression, and labels need exact '
            'colours.')
    if len(scan.pixels) > MAX_COLORS:
        raise LabelFormatError(f'the labels, such as {paths[0]}, have {many} Save them again without anti-aliasing '
                               'and without resizing.')
    scan.doubts.append(f'There are {many} Look at the smallest shares in the table.')


def _mode_of(path: str) -> str:
    try:
        with Image.open(path) as image:
            return image.mode
    except OSError:
        return ''


def _palette_of(path: str) -> Dict[int, Color]:
    """Return the colours of a palette image; empty for other files."""
    try:
        with Image.open(path) as image:
            values = image.getpalette() if image.mode == 'P' else None
    except OSError:
        return {}
    steps = range(0, len(values or []) - 2, 3)
    return {step // 3: (values[step], values[step + 1], values[step + 2]) for step in steps} if values else {}

