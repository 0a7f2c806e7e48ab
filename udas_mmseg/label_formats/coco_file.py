"""Reading the JSON files of COCO: instances and stuff (polygons, run lengths), and panoptic segmentation."""
import json
import posixpath
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from ..datasets.label_maps import IGNORE
from ..datasets.translated import first_names

_KEYS = ('images', 'annotations', 'categories')
_SHOWN = 20  # characters of a value that a message shows


@dataclass
class CocoImage:
    """An image with its segments.

    Attributes:
        name: `file_name` of the image: a path below the image folder.
        height: Height in pixels.
        width: Width in pixels.
        segments: Entries of `annotations`, or of `segments_info` in a panoptic file.
        mask: `file_name` of the PNG in a panoptic file, else ''.
    """
    name: str
    height: int
    width: int
    segments: List[Dict[str, Any]] = field(default_factory=list)
    mask: str = ''


@dataclass
class CocoFile:
    """The content of a COCO file, checked.

    Attributes:
        path: Path of the file.
        is_panoptic: Whether the segments are in PNG files.
        classes: Names of the categories, in the order of their ids in the file.
        label_ids: `category_id` -> position in `classes`, which is the id in the labels.
        images: Images with segments.
        unlabeled: Names of the images without segments.
    """
    path: str
    is_panoptic: bool
    classes: List[str]
    label_ids: Dict[int, int]
    images: List[CocoImage]
    unlabeled: List[str]


def read_coco(path: str, background: str = '') -> CocoFile:
    """Read a COCO file, and check that its parts belong together.

    Args:
        path (str): The JSON file.
        background (str): Class of the pixels without a segment; a new one is added after the others. Images without
            segments are then labelled, too. Defaults to '': these pixels are ignored, and such images are left out.

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: if it is not a COCO file, an entry has no key that is needed, a segment has an unknown image or
            category, two entries have the same id, or there are no segments or too many categories.
    """
    content = _read_json(path)
    classes, label_ids = _read_categories(content['categories'], path)
    if background and background not in classes:
        classes.append(background)
    if len(classes) > IGNORE:
        raise ValueError(f'{path} has {len(classes)} categories; labels can have {IGNORE} classes (ids 0-{IGNORE - 1}, '
                         f'{IGNORE} is ignored). Remove the categories that you do not need, or give several the same '
                         'id in the file.')
    images = _read_images(content['images'], path)
    is_panoptic = any(isinstance(entry, dict) and 'segments_info' in entry for entry in content['annotations'])
    for number, entry in enumerate(content['annotations']):
        what = f'annotations[{number}]'
        image = images.get(_get(entry, 'image_id', what, path))
        if image is None:
            raise ValueError(f'{path}: {what} is of image {entry["image_id"]!r}, which is not in `images`. Add the '
                             'image, or remove the annotation.')
        if is_panoptic:
            image.mask = _file_name(_get(entry, 'file_name', what, path), what, path)
        new = _get(entry, 'segments_info', what, path) if is_panoptic else [entry]
        _check_segments(new, what, is_panoptic, label_ids, path)
        image.segments += new
    labeled = [image for image in images.values() if image.segments or (background and (image.mask or not is_panoptic))]
    if not labeled:
        raise ValueError(f"{path} has no segment in {len(images)} images. COCO's test sets come without annotations; "
                         'an export may have been made before anything was labelled.')
    kept = {id(image) for image in labeled}
    return CocoFile(path, is_panoptic, classes, label_ids, labeled,
                    [image.name for image in images.values() if id(image) not in kept])


def _read_json(path: str) -> Dict[str, List[Any]]:
    if not Path(path).is_file():
        raise FileNotFoundError(f'{path} does not exist, or is not a file. Give the JSON file of COCO.')
    try:
        content = json.loads(Path(path).read_bytes())
    except ValueError as error:  # of JSON, or of its encoding
        raise ValueError(f'{path} is not a JSON file: {error}') from error
    missing = [key for key in _KEYS if not isinstance(content, dict) or not isinstance(content.get(key), list)]
    if missing:
        raise ValueError(f'{path} has no list {" and no list ".join(map(repr, missing))}, so it is not a COCO file. '
                         "For Label Studio's JSON and other formats, see docs/label_tools.md.")
    return content


def _read_categories(entries: Sequence[Any], path: str) -> Tuple[List[str], Dict[int, int]]:
    """Return the names in the order of the ids, and the position of each id."""
    names: Dict[int, str] = {}
    for number, entry in enumerate(entries):
        what = f'categories[{number}]'
        key, name = _get(entry, 'id', what, path), ' '.join(str(_get(entry, 'name', what, path)).split())
        if not isinstance(key, int) or not name:
            raise ValueError(f'{path}: {what} has the id {key!r} and the name {name!r}. Both are needed: an integer '
                             'and a text.')
        if names.setdefault(key, name) != name:
            raise ValueError(f'{path}: the categories {names[key]!r} and {name!r} have the same id {key}. Give each '
                             'its own.')
    order = sorted(names)
    classes = list(dict.fromkeys(names[key] for key in order))
    return classes, {key: classes.index(names[key]) for key in order}


def _read_images(entries: Sequence[Any], path: str) -> Dict[Any, CocoImage]:
    images: Dict[Any, CocoImage] = {}
    for number, entry in enumerate(entries):
        what = f'images[{number}]'
        key, name = _get(entry, 'id', what, path), _file_name(_get(entry, 'file_name', what, path), what, path)
        height, width = (_get(entry, side, what, path) for side in ('height', 'width'))
        if not all(isinstance(side, int) and side > 0 for side in (height, width)):
            raise ValueError(f'{path}: {what} ({name}) has width {width!r} and height {height!r}. Both must be '
                             'integers of 1 or more.')
        if key in images:
            raise ValueError(f'{path}: the images {images[key].name} and {name} have the same id {key!r}. Give '
                             'each its own.')
        images[key] = CocoImage(name, height, width)
    return images


def _check_segments(entries: Any, what: str, is_panoptic: bool, label_ids: Mapping[int, int], path: str) -> None:
    for number, entry in enumerate(entries):
        part = f'{what}.segments_info[{number}]' if is_panoptic else what
        category = _get(entry, 'category_id', part, path)
        if category not in label_ids:
            raise ValueError(f'{path}: {part} has the category {category!r}, which is not in `categories`. Known: '
                             f'{first_names([str(key) for key in label_ids], 10)}.')
        if is_panoptic:
            _get(entry, 'id', part, path)
        elif not entry.get('segmentation'):
            raise ValueError(f'{path}: {part} has no `segmentation` (only a box, or key points?). Export polygons or '
                             'masks, or remove the annotation.')


def _get(entry: Any, key: str, what: str, path: str) -> Any:
    value: Optional[Any] = entry.get(key) if isinstance(entry, dict) else None
    if value is None:
        raise ValueError(f'{path}: {what} has no {key!r}. It begins with {str(entry)[:_SHOWN * 4]!r}.')
    return value


def _file_name(name: Any, what: str, path: str) -> str:
    """Return a `file_name` as a path below a folder."""
    clean = posixpath.normpath(str(name).replace('\\', '/'))
    if clean.startswith(('/', '../')) or re.match(r'\w+:', clean):
        raise ValueError(f'{path}: {what} has file_name={name!r}. It must be a path below the folder of the images, '
                         "such as 'street/001.jpg': correct it in the file, or export again with relative paths.")
    return clean
