"""Looking at a folder of images and the folder of their labels."""
import difflib
import os
import os.path as osp
from collections import Counter
from dataclasses import dataclass, field
from typing import Callable, Dict, List, Optional, Sequence, Tuple

from PIL import Image

from ..datasets.image_files import STORED, SampleError, read_checked
from ..datasets.image_folders import (
    IMAGE_TYPES,
    count_kinds,
    describe_kinds,
    extended_names,
    fitting_suffixes,
    list_files,
)
from ..datasets.image_headers import exif_orientation, is_deep
from ..datasets.label_scan import LabelScan, scan_labels
from ..datasets.translated import first_names
from ..utils.indices import spread_evenly
from ..utils.progress import Progress

NUM_READ = 1000  # files of each folder that are read, evenly spaced, unless all are asked for
Size = Tuple[int, int]  # width, height
# words in the names of label files: with several kinds of labels of one image, the first of these words decides
_LABEL_WORDS = ('labelids', 'label', 'mask', 'seg', 'gt')
_LOSSY = ('.jpg', '.jpeg')


@dataclass
class Folder:
    """Images of a domain with their labels, if there are any.

    Attributes:
        title: Name in messages: 'source', 'target', 'val' or 'labeled_target'.
        images: Absolute path of the image folder.
        labels: Absolute path of the label folder, or None.
        img_suffix: Suffix of the images.
        seg_suffix: Suffix of the labels.
        names: Paths of the images that can be used, below the folder and without suffix.
        is_listed: Whether files in the folders are left out, so that a list file is needed.
        sizes: Number of images that were read by (width, height), as they are displayed or stored (`color_type`).
        color_type: 'color', or 'color_ignore_orientation' if the labels fit the images as they are stored.
        scan: What was found in the labels.
        facts: Lines that describe the folder.
        doubts: Sentences about what is not sure or left out.
    """
    title: str
    images: str
    labels: Optional[str] = None
    img_suffix: str = ''
    seg_suffix: str = ''
    names: List[str] = field(default_factory=list)
    is_listed: bool = False
    sizes: Dict[Size, int] = field(default_factory=dict)
    color_type: str = 'color'
    scan: Optional[LabelScan] = None
    facts: List[str] = field(default_factory=list)
    doubts: List[str] = field(default_factory=list)

    @property
    def size(self) -> Size:
        """The most frequent (width, height)."""
        return max(self.sizes, key=lambda size: (self.sizes[size], size))

    def image(self, name: str) -> str:
        """Return the path of an image."""
        return osp.join(self.images, name + self.img_suffix)

    def label(self, name: str) -> str:
        """Return the path of a label."""
        return osp.join(self.labels or '', name + self.seg_suffix)


def look_at(title: str, images: str, labels: Optional[str] = None, num_read: Optional[int] = NUM_READ) -> Folder:
    """Find the images of a folder and their labels, and read some or all of them.

    Args:
        title (str): Name of the folder in messages.
        images (str): Image folder; images may be in sub-folders.
        labels (str, optional): Label folder with the same sub-folders; may be the same folder. Defaults to None.
        num_read (int, optional): Number of files to read, evenly spaced; None for all. Defaults to 1000.

    Raises:
        FileNotFoundError: if a folder does not exist, or has no images.
        ValueError: if no image has a label, no file can be read, or images have more than 8 bits.
        LabelFormatError: if the labels cannot be used, see `scan_labels`.
    """
    for folder in (images, labels):
        if folder is not None and not osp.isdir(folder):
            raise FileNotFoundError(_no_folder(title, folder))
    found = Folder(title, osp.abspath(images), None if labels is None else osp.abspath(labels))
    _find_images(found)
    if found.labels:
        _find_labels(found)
    count = len(found.names)
    chosen = [found.names[number] for number in spread_evenly(count, num_read or count, True)]
    if found.labels:
        found.scan = scan_labels([found.label(name) for name in chosen], _progress(f'{title}: labels', len(chosen)))
        found.doubts += found.scan.doubts
        found.scan.is_partial = len(chosen) < count
        if found.scan.is_partial:
            found.doubts.append(f'{len(chosen)} of {count} labels were read: if others have ids or colours that are '
                                'neither here nor named, they are ignored or stop the training. --full-scan reads all.')
    orientations = _read_images(found, chosen)
    if found.scan:
        _compare_sizes(found, chosen, orientations)
    if not found.names:
        raise ValueError(f'{title}: no image of {found.images} can be used. {" ".join(found.doubts)}')
    _describe(found, len(chosen))
    return found


def _no_folder(title: str, path: str) -> str:
    """Return the message on a folder that does not exist, with one beside it that has a similar name."""
    if osp.exists(path):
        return f'{title}: {path} is a file. Give the folder that it is in.'
    above, name = osp.split(osp.normpath(path))
    beside = {other.lower(): other for other in sorted(os.listdir(above or osp.curdir))
              if osp.isdir(osp.join(above, other))} if osp.isdir(above or osp.curdir) else {}
    near = difflib.get_close_matches(name.lower(), beside, 1)
    hint = f' Did you mean {osp.join(above, beside[near[0]])}?' if near else ''
    return f'{title}: the folder {path} does not exist (looked in {osp.abspath(osp.curdir)}).{hint}'


def _progress(title: str, total: int) -> Callable[[int], None]:
    """Return a function that prints progress every few seconds; nothing for short work."""
    progress = Progress(title, total)
    return lambda done: progress.update(done) if done < total else None


def _find_images(found: Folder) -> None:
    """Set the suffix and the names of the images: those of the most frequent type."""
    paths = [path for path in list_files(found.images, '') if osp.splitext(path)[1].lower() in IMAGE_TYPES]
    if not paths:
        raise FileNotFoundError(f'{found.title}: {found.images} has no images ({", ".join(IMAGE_TYPES)}).')
    kinds = Counter(osp.splitext(path)[1] for path in paths)
    suffixes = [suffix for suffix, _ in kinds.most_common()]
    if found.labels:
        # labels may be beside the images or have another word in their names: 'a_leftImg8bit.png', 'a_labelIds.png'
        ends = {suffix: _best_label_suffix(_image_names(found, paths, suffix), found, suffix)[1]
                for suffix in (*suffixes, *count_kinds(paths))}
        suffixes = sorted(ends, key=lambda suffix: -ends[suffix])
    found.img_suffix = suffixes[0]
    found.names = sorted(_image_names(found, paths, found.img_suffix))
    left = Counter({suffix: count for suffix, count in kinds.items() if not suffix.endswith(found.img_suffix)
                    and not found.img_suffix.endswith(suffix)})
    if left and found.images != found.labels:
        found.doubts.append(f'{describe_kinds(left)} are left out: a data set reads images of one suffix, '
                            f'{found.img_suffix!r}. To use them, give them this suffix.')


def _image_names(found: Folder, paths: Sequence[str], suffix: str) -> List[str]:
    """Return the names of images with a suffix; in a folder of both, labels are named like images with another word."""
    names = _without(paths, suffix)
    labels = set(extended_names(names, names)) if found.images == found.labels else set()
    return [name for name in names if name not in labels]


def _without(paths: Sequence[str], suffix: str) -> List[str]:
    return [path[:-len(suffix)] for path in paths if path.endswith(suffix)]


def _best_label_suffix(names: Sequence[str], found: Folder, img_suffix: str) -> Tuple[str, int]:
    """Return the suffix with which most images have a label, and their number; '' and 0 if there is none."""
    fitting = fitting_suffixes(names, found.labels or '')
    usable = [suffix for suffix in fitting if found.images != found.labels or suffix != img_suffix]
    if not usable:
        return '', 0

    def rank(suffix: str) -> Tuple[int, bool, int, int]:
        words = [number for number, word in enumerate(_LABEL_WORDS) if word in suffix.lower()]
        return -fitting[suffix], suffix.lower().endswith(_LOSSY), min(words, default=len(_LABEL_WORDS)), len(suffix)

    best = min(usable, key=rank)
    return best, fitting[best]


def _find_labels(found: Folder) -> None:
    """Set the suffix of the labels, and leave out images without labels."""
    assert found.labels is not None
    found.seg_suffix, count = _best_label_suffix(found.names, found, found.img_suffix)
    if not count:
        there = count_kinds(list_files(found.labels, ''))
        raise ValueError(f'{found.title}: no image of {found.images} has a label in {found.labels}. A label has the '
                         f'name of its image, such as {found.names[0]!r}, with any suffix and in the same sub-folder. '
                         f'The label folder has {describe_kinds(there) if there else "no files"}.')
    if found.seg_suffix.lower().endswith(_LOSSY) and found.img_suffix.lower() == '.png':
        raise ValueError(f'{found.title}: the images in {found.images} are PNG files, and the labels in {found.labels} '
                         'JPEG files, which cannot be used as labels. Are the folders in the wrong order? Give IMAGES, '
                         'then LABELS.')
    others = [suffix for suffix, fits in fitting_suffixes(found.names, found.labels).items()
              if fits == count and suffix not in (found.seg_suffix, found.img_suffix)]
    if others:
        found.doubts.append(f'Labels end in {found.seg_suffix!r}; there are also as many files in '
                            f'{", ".join(map(repr, others))}. To read those, move the others away.')
    present = set(_without(list_files(found.labels, found.seg_suffix), found.seg_suffix))
    # the labels would be taken for images, whose suffix they have
    beside = found.images == found.labels and found.seg_suffix.endswith(found.img_suffix)
    missing = [name for name in found.names if name not in present]
    extra = sorted(present - set(found.names))
    for names, what in ((missing, 'images have no label'), (extra, 'labels have no image')):
        if names:
            found.doubts.append(f'{len(names)} {what} and are left out: {first_names(names)}.')
    found.is_listed = bool(missing or extra or beside)
    found.names = [name for name in found.names if name in present]


def _read_images(found: Folder, names: Sequence[str]) -> Dict[str, int]:
    """Read images, leave out those that are broken, and count their sizes.

    Returns:
        dict[str, int]: EXIF orientation of each image that has one.
    """
    orientations: Dict[str, int] = {}
    broken: Dict[str, str] = {}
    sizes: Dict[str, Size] = {}
    progress = _progress(f'{found.title}: images', len(names))
    for number, name in enumerate(names, 1):
        progress(number)
        path = found.image(name)
        try:
            content = read_checked(path, None)
            with Image.open(path) as image:
                sizes[name] = image.size
            if is_deep(content):
                raise ValueError(f'{found.title}: {path} has more than 8 bits a channel. Convert the images to 8 bits '
                                 'once: see docs/datasets.md.')
        except (SampleError, OSError) as error:
            broken[name] = str(error)
            continue
        if exif_orientation(content) > 1:
            orientations[name] = exif_orientation(content)
    _leave_out(found, broken, 'images are broken')
    found.sizes = dict(Counter(size if orientations.get(name, 1) < 5 else size[::-1]
                               for name, size in sizes.items()))
    if orientations:
        found.doubts.append(f'{len(orientations)} images have an EXIF orientation, such as {next(iter(orientations))}: '
                            'they are read as displayed.')
    return orientations


def _leave_out(found: Folder, reasons: Dict[str, str], what: str) -> None:
    if reasons:
        gone = set(reasons)
        found.names = [name for name in found.names if name not in gone]
        found.is_listed = True
        found.doubts.append(f'{len(gone)} {what} and are left out. The first: {next(iter(reasons.values()))}')


def _compare_sizes(found: Folder, names: Sequence[str], orientations: Dict[str, int]) -> None:
    """Leave out pairs with a broken label or of different sizes, and find out how to read EXIF orientations."""
    assert found.scan is not None
    by_name = {name: found.label(name) for name in names}
    broken = {name: found.scan.broken[path] for name, path in by_name.items() if path in found.scan.broken}
    _leave_out(found, broken, 'labels are broken')
    kept, fits = set(found.names), {True: 0, False: 0}
    differing: Dict[str, str] = {}
    stored: List[str] = []
    for name, path in by_name.items():
        if name not in kept:
            continue
        height, width = found.scan.shapes[path]
        with Image.open(found.image(name)) as image:
            size = image.size
        turned = size[::-1] if orientations.get(name, 1) >= 5 else size
        if (width, height) == turned:
            fits[True] += turned != size
        elif (width, height) == size:
            stored.append(name)
        else:
            differing[name] = f'{path} is {width}x{height}, its image {turned[0]}x{turned[1]}.'
    if stored and not fits[True]:
        found.color_type = STORED
        found.doubts[-1:] = [*found.doubts[-1:], f'The labels of {len(stored)} of them fit the images as they are '
                             f'stored, so that all are read like this (color_type={STORED!r}).']
    else:
        differing.update({name: f'{by_name[name]} fits its image only as stored.' for name in stored})
    _leave_out(found, differing, 'labels do not have the size of their image')
    if orientations and not stored and not fits[True]:
        found.doubts.append('Their labels fit both readings: look at these images in sheet.png.')


def _describe(found: Folder, num_read: int) -> None:
    """Add the lines that describe the folder."""
    sizes = sorted(found.sizes.items(), key=lambda item: -item[1])
    text = ', '.join(f'{width}x{height} ({count})' for (width, height), count in sizes[:3])
    more = f' and {len(sizes) - 3} more sizes' if len(sizes) > 3 else ''
    read = '' if num_read >= len(found.names) else f'; {num_read} of them read'
    found.facts.append(f'{len(found.names)} images, {found.img_suffix}, {text}{more}{read}')
    if found.scan:
        found.facts.append(f'labels: {found.seg_suffix}, {found.scan.kind}')
