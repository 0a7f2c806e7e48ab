"""Names of classes: from the command line, and from the files of annotation tools and simulators."""
import json
import os
import os.path as osp
import re
from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, List, Optional, Sequence

from mmseg.utils import get_classes, get_palette

from ..datasets.label_colors import Color
from ..datasets.label_maps import BUILT_IN_LABEL_MAPS, IGNORE
from ..datasets.label_scan import IDS, LabelScan, Value

# names of pixels that are not a class
VOID = ('void', 'ignore', 'ignored', 'unlabeled', 'unlabelled', 'unknown', 'undefined', '__ignore__', '-')
# a class that takes what has no partner
REST = ('other', 'others', 'rest', 'misc', 'background', '_background_')
TEXT_FILES = ('classes.txt', 'class_names.txt', 'labels.txt', 'labelmap.txt')
_KNOWN = ('cityscapes', 'voc', 'ade')  # MMSegmentation's palettes by which colours are named
_CITYSCAPES = ('labelIds.png', 'labelTrainIds.png')
_MANY = 2000  # characters of a class list that are read
REST_KEY = '*'


@dataclass
class ClassNames:
    """Names of ids or colours.

    Attributes:
        names: Names by position, as in `road,sidewalk`.
        by_value: Names of ids or colours, as in `7=road` or `#804080=road`.
        rest: Name of all others, as in `*=other`; '' if not given.
        origin: Where the names come from.
    """
    names: List[str] = field(default_factory=list)
    by_value: Dict[Value, str] = field(default_factory=dict)
    rest: str = ''
    origin: str = ''


def parse_classes(text: str, option: str) -> ClassNames:
    """Read the names of an option: `road,sidewalk`, `7=road,8=sidewalk,*=other` or `#804080=road`.

    Raises:
        ValueError: if the forms are mixed, a name is missing, or an id or colour is not one.
    """
    found = ClassNames(origin=option)
    for part in filter(None, (part.strip() for part in text.split(','))):
        key, sign, name = (piece.strip() for piece in part.partition('='))
        if not sign:
            found.names.append(key)
        elif key == REST_KEY:
            found.rest = name
        else:
            found.by_value[_parse_value(key, option)] = name
    keyed = bool(found.by_value or found.rest)
    if not (found.names or keyed) or (found.names and keyed) or '' in found.by_value.values():
        raise ValueError(f"{option} {text!r}: give names alone (road,sidewalk), or ids or colours with names "
                         "(7=road,8=sidewalk,*=other or '#804080=road'). The name - ignores an id.")
    return found


def _parse_value(key: str, option: str) -> Value:
    hexadecimal = re.fullmatch(r'#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})', key)
    if hexadecimal:
        red, green, blue = (int(part, 16) for part in hexadecimal.groups())
        return red, green, blue
    if key.isdecimal():
        return int(key)
    raise ValueError(f'{option}: {key!r} is neither an id, such as 7, nor a colour, such as #804080, nor {REST_KEY}.')


def format_value(value: Value) -> str:
    """Return an id or a colour as `parse_classes` reads it."""
    return str(value) if isinstance(value, int) else '#{:02x}{:02x}{:02x}'.format(*value)


def find_names(labels: str, scan: LabelScan, suffix: str = '') -> Optional[ClassNames]:
    """Look for class names in the folder of the labels, in its parent folder, and in known suffixes and palettes.

    Read are `classes.txt`, `class_names.txt`, `labels.txt` and CVAT's `labelmap.txt`; JSON files with `categories`
    (COCO, Label Studio) or with Unity Perception's annotation definitions. Known are Cityscapes' suffixes
    `labelIds.png` and `labelTrainIds.png`, and colours that are all in the palette of Cityscapes, PASCAL VOC or ADE20K.

    Args:
        labels (str): Folder of the labels.
        scan (LabelScan): Their ids or colours.
        suffix (str): Suffix of the label files. Defaults to ''.

    Returns:
        ClassNames | None: The first that were found.
    """
    for folder in (labels, osp.dirname(osp.abspath(labels))):
        for path in _candidates(folder):
            found = _read_json(path) if path.endswith('.json') else _read_text(path)
            if found and (found.names or _fits(found, scan)):
                found.origin = path
                return found
    return _known_suffix(scan, suffix) or _known_palette(scan)


def _known_suffix(scan: LabelScan, suffix: str) -> Optional[ClassNames]:
    """Name the ids of files that are called as Cityscapes calls them."""
    if scan.form != IDS or not suffix.endswith(_CITYSCAPES):
        return None
    classes, raw_ids = get_classes('cityscapes'), BUILT_IN_LABEL_MAPS['cityscapes']
    is_raw = suffix.endswith(_CITYSCAPES[0])
    numbers = {value: raw_ids.get(value, IGNORE) if is_raw else value
               for value in (*range(len(raw_ids if is_raw else classes)), *scan.values) if isinstance(value, int)}
    named: Dict[Value, str] = {value: classes[number] if number < len(classes) else 'void'
                               for value, number in numbers.items()}
    return ClassNames(by_value=named, origin=f"Cityscapes' *{suffix}")


def _candidates(folder: str) -> Iterator[str]:
    """Iterate over the files of a folder that may have class names."""
    there = sorted(os.listdir(folder)) if osp.isdir(folder) else []
    yield from (osp.join(folder, name) for name in TEXT_FILES if name in there)
    jsons = [osp.join(folder, name) for name in there if name.lower().endswith('.json')]
    if len(jsons) <= 20:  # else there is one for each image
        yield from jsons


def _fits(found: ClassNames, scan: LabelScan) -> bool:
    """Whether names by value have some of the ids or colours of the labels."""
    return any(value in found.by_value for value in scan.values)


def _read_text(path: str) -> Optional[ClassNames]:
    """Read lines `name`, `id name`, `id: name`, `name r g b` or CVAT's `name:r,g,b::`."""
    with open(path, encoding='utf-8-sig', errors='replace') as file:
        lines = [line.strip() for line in file.read(_MANY * 100).splitlines()]
    found = ClassNames()
    for line in lines:
        if not line or line.startswith('#'):
            continue
        color = re.fullmatch(r'(.+?)[\s:,]+(\d+)[\s,]+(\d+)[\s,]+(\d+)(?:\s*:.*)?', line)
        numbered = re.fullmatch(r'(\d+)[\s:,=]+(\S.*)', line)
        if color and all(int(part) < 256 for part in color.groups()[1:]):
            name, red, green, blue = color.groups()
            found.by_value[int(red), int(green), int(blue)] = name.strip()
        elif numbered:
            found.by_value[int(numbered[1])] = numbered[2].strip()
        else:
            found.names.append(line)
    if found.by_value and found.names:  # neither form throughout
        return None
    if found.names[:1] == ['__ignore__']:  # LabelMe numbers it -1
        found.names = found.names[1:]
    return found if found.names or found.by_value else None


def _read_json(path: str) -> Optional[ClassNames]:
    try:
        with open(path, encoding='utf-8-sig') as file:
            content = json.load(file)
    except (ValueError, OSError):
        return None
    found = ClassNames()
    for part in _dicts(content):
        name, value = part.get('label_name', part.get('name')), _json_value(part)
        if isinstance(name, str) and value is not None:
            found.by_value[value] = name
    return found if found.by_value else None


def _dicts(content: Any) -> Iterator[Dict[str, Any]]:
    """Iterate over the entries of COCO's `categories` and of Unity's label definitions (`spec`)."""
    if isinstance(content, dict):
        for key, value in content.items():
            if key in ('categories', 'spec') and isinstance(value, list):
                yield from (part for part in value if isinstance(part, dict))
            elif key in ('annotation_definitions', 'annotationDefinitions'):
                yield from _dicts(value)
    elif isinstance(content, list):
        for value in content:
            yield from _dicts(value)


def _json_value(part: Dict[str, Any]) -> Optional[Value]:
    """Return the colour or id of an entry: Unity's `pixel_value`, else `id` or `label_id`."""
    pixel = part.get('pixel_value', part.get('pixelValue'))
    if isinstance(pixel, dict):
        pixel = [pixel.get(channel) for channel in 'rgb']
    if isinstance(pixel, list) and len(pixel) >= 3 and all(isinstance(value, (int, float)) for value in pixel[:3]):
        red, green, blue = (round(value) for value in pixel[:3])
        return red, green, blue
    number = part.get('id', part.get('label_id'))
    return number if isinstance(number, int) and number >= 0 else None


def _known_palette(scan: LabelScan) -> Optional[ClassNames]:
    """Name ids or colours after a palette that has all of them; black is what is not labelled."""
    colors: Dict[Value, Color] = {value: value if isinstance(value, tuple) else scan.palette.get(value, (0, 0, 0))
                                  for value in scan.values}
    if scan.form == IDS and not scan.palette:
        return None
    shown = {color for color in colors.values() if any(color)}
    for name in _KNOWN:
        known = dict(zip(map(tuple, get_palette(name)), get_classes(name)))
        if len(shown) > 1 and shown <= set(known):
            named = {value: known.get(color, 'void') for value, color in colors.items()}
            return ClassNames(by_value=named, origin=f'the colours of {name}')
    return None


def normal(name: str) -> str:
    """Return a name without case, spaces and signs, to compare it."""
    return re.sub(r'[^a-z0-9]', '', name.lower()) or name.lower()


def is_void(name: str) -> bool:
    """Whether a name stands for pixels that are not a class."""
    return name.lower() in VOID


def names_text(values: Sequence[Value], names: Sequence[str]) -> str:
    """Return ids or colours with names as an option takes them."""
    return ','.join(f'{format_value(value)}={name}' for value, name in zip(values, names))
