"""List files: the names of the images to use, one name per line, as in MMSegmentation's `ann_file`.

A name is the path of an image below the image folder, with `/` between folders and without the suffix.
"""
import codecs
import hashlib
import os
import os.path as osp
import re
from pathlib import Path
from typing import AbstractSet, Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Set, Union

from mmengine import fileio
from mmengine.logging import MMLogger
from torch.utils.data import Dataset

from ..utils.files import path_below, replace_file
from .image_folders import IMAGE_TYPES, is_clutter, list_files, no_images, pairing_hint
from .translated import first_names, original_path

_MARKS = ((codecs.BOM_UTF32_LE, 'UTF-32'), (codecs.BOM_UTF32_BE, 'UTF-32'), (codecs.BOM_UTF16_LE, 'UTF-16'),
          (codecs.BOM_UTF16_BE, 'UTF-16'))  # the first mark begins with the third
Listings = Dict[str, Set[str]]  # folder -> names of its files
NO_LABELS = ('UDA needs no labels: train without mixing, e.g. configs/udas/gta2cs_uda.py. A budget has 1 image at '
             'least.')


def list_names(folder: str, suffix: str) -> List[str]:
    """Return the sorted names of all images below a folder.

    Args:
        folder (str): The image folder.
        suffix (str): Suffix of the image files, such as '_leftImg8bit.png'.

    Raises:
        FileNotFoundError: if there are none.
    """
    paths = list_files(folder, suffix)
    names = sorted(path[:len(path) - len(suffix)].replace(os.sep, '/') for path in paths)
    if not names:
        raise FileNotFoundError(no_images(folder, suffix))
    return names


class Line(NamedTuple):
    """A line of a list file that has a name: its number, from 1, and the name."""
    number: int
    name: str


def read_lines(path: Union[str, Path], backend_args: Optional[dict] = None) -> List[Line]:
    """Read a list file. Blank lines, spaces around names and a byte order mark are left out.

    Raises:
        ValueError: if the file is not encoded in UTF-8; the message names the file and the encoding.
    """
    lines = enumerate(_read_text(path, backend_args).splitlines(), 1)
    return [Line(number, line.strip()) for number, line in lines if line.strip()]


def read_list(path: Union[str, Path], backend_args: Optional[dict] = None) -> List[str]:
    """Return the names in a list file in their order; see `read_lines`."""
    return [name for name in map(str.strip, _read_text(path, backend_args).splitlines()) if name]


def _read_text(path: Union[str, Path], backend_args: Optional[dict]) -> str:
    """Read a text file in UTF-8, without its byte order mark."""
    content = fileio.get(str(path), backend_args=backend_args)
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), None)
    if encoding is None and b'\0' in content:
        encoding = 'UTF-16 without a byte order mark, or not text'
    try:
        text = '' if encoding else content.decode('utf-8-sig')
    except UnicodeDecodeError as error:
        number = content.count(b'\n', 0, error.start) + 1
        encoding = f'an 8-bit encoding such as Windows-1252 (byte 0x{content[error.start]:02x} in line {number})'
    if encoding:
        raise ValueError(f'the list {path} is encoded in {encoding}. Lists must be encoded in UTF-8, with or without a '
                         'byte order mark: save it again as UTF-8.')
    return text


def line_rule(line: Line, folder: str, suffix: str) -> str:
    """Show a line of a list without a file, and say what a line must be.

    Args:
        line (Line): The line.
        folder (str): The image folder.
        suffix (str): Suffix of the image files.

    Example:
        >>> line_rule(Line(1, 'scene.png'), 'data/images', '.png')
        "Line 1 is 'scene.png', which ends in a suffix. A line must be a path below data/images without its suffix
        '.png', with / between folders."
    """
    columns = re.split(r'[\s,;]+', line.name)
    fault = ''
    if len(columns) > 1:
        fault = f', which has {len(columns)} columns'
    elif osp.splitext(line.name)[1].lower() in IMAGE_TYPES:
        fault = ', which ends in a suffix'
    elif '\\' in line.name:
        fault = ', which has backslashes'
    elif osp.isabs(line.name):
        fault = ', which is an absolute path'
    return (f'Line {line.number} is {line.name!r}{fault}. A line must be a path below {folder} without its suffix '
            f'{suffix!r}, with / between folders.')


def list_bytes(names: Sequence[str]) -> bytes:
    """Return the content of a list file: the sorted names, each followed by a newline.

    Raises:
        ValueError: if a name cannot be written on one line, or occurs twice.
    """
    impossible = [name for name in names if not name or name.splitlines() != [name.strip()]]
    if impossible:
        raise ValueError(f'{len(impossible)} names cannot be written to a list file, which has one name per line: '
                         f'{first_names([repr(name) for name in impossible])}. Rename the files.')
    double = repeated(names)
    if double:
        raise ValueError(f'{len(double)} of {len(names)} names occur more than once: {first_names(double)}. Remove '
                         'the repetitions from the list.')
    return ''.join(f'{name}\n' for name in sorted(names)).encode()


def list_sha256(names: Sequence[str]) -> str:
    """Return the SHA-256 of the list file of some images; see `list_bytes`."""
    return hashlib.sha256(list_bytes(names)).hexdigest()


def write_list(path: Union[str, Path], names: Sequence[str]) -> None:
    """Write a list file. Several processes may do this at the same time, and readers always see a complete file.

    A file with the same content is not touched; a file with other content is replaced, with a warning.
    """
    content, path = list_bytes(names), Path(path)
    try:
        found = path.read_bytes()
    except FileNotFoundError:
        found = None
    if found == content:
        return
    if found is not None:
        MMLogger.get_current_instance().warning(
            f'{path} did not have the list that its images and seed give (edited, or damaged?), and was replaced. '
            'Store your own list under another name, and pass it as `ann_file`.')
    replace_file(path, content)


def repeated(names: Sequence[str]) -> List[str]:
    """Return the sorted names that occur more than once, without repetitions."""
    seen: Set[str] = set()
    return sorted({name for name in names if name in seen or seen.add(name)})  # type: ignore[func-returns-value]


def check_listed_files(dataset: Any) -> None:
    """Check that the files of a data set with a list file exist, with one listing of each folder.

    Args:
        dataset (BaseSegDataset): A fully initialised data set with `ann_file`, in local folders, not serialized.

    Raises:
        ValueError: if an image or a label of the list does not exist.
    """
    infos = dataset.data_list
    refuse_missing(dataset, [original_path(info) for info in infos], 'images')
    labels = [info['seg_map_path'] for info in infos if info.get('seg_map_path') is not None]
    refuse_missing(dataset, labels, 'labels')


def refuse_missing(dataset: Any, paths: Sequence[str], kind: str, listings: Optional[Listings] = None) -> None:
    """Check that files exist that the list of a data set names.

    Args:
        dataset (BaseSegDataset): A data set with `ann_file`, in local folders.
        paths (Sequence[str]): Paths of the files.
        kind (str): 'images' or 'labels'.
        listings (dict, optional): See `missing_files`.

    Raises:
        ValueError: if a file does not exist; the message has a line without a file.
    """
    missing = missing_files(paths, listings)
    if not missing:
        return
    is_image = kind == 'images'
    folder = dataset.data_prefix.get('img_path' if is_image else 'seg_map_path') or ''
    suffix = dataset.img_suffix if is_image else dataset.seg_map_suffix
    lost, lines = set(missing), read_lines(dataset.ann_file)
    lost_lines = [line for line in lines if osp.join(folder, line.name + suffix) in lost]
    hint = ''
    if lost_lines and is_image:
        hint = line_rule(lost_lines[0], folder, suffix) + ' '
    elif lost_lines and osp.isdir(folder):
        hint = pairing_hint([line.name for line in lost_lines], [line.name for line in lines], folder, suffix)
    raise ValueError(f'{len(missing)} of {len(paths)} {kind} in the list {dataset.ann_file} do not exist: '
                     f'{first_names(missing)}. {hint}Correct the list, restore the files, or remove their names from '
                     'the list.')


def refuse_unreadable_lines(dataset: Any) -> None:
    """Check the lines of a list that MMSegmentation itself reads; it takes an empty line for the name of an image.

    Args:
        dataset (BaseSegDataset): A data set with `ann_file` that does not read it with `read_list`.

    Raises:
        ValueError: if the list is not encoded in UTF-8, or has a byte order mark or an empty line.
    """
    lines = read_lines(dataset.ann_file)
    content = Path(dataset.ann_file).read_bytes()
    blank = [number for number, line in enumerate(content.decode('utf-8-sig').splitlines(), 1) if not line.strip()]
    name = type(dataset).__name__
    if content.startswith(codecs.BOM_UTF8):
        raise ValueError(f'the list {dataset.ann_file} begins with a byte order mark, which {name} of MMSegmentation '
                         'takes for a part of the first name. Save it as UTF-8 without it, or use LabelMappedDataset.')
    if blank and lines:
        raise ValueError(f'line {blank[0]} of the list {dataset.ann_file} is empty, and {name} of MMSegmentation takes '
                         f'it for the name of an image. Remove the {len(blank)} empty lines, or use '
                         'LabelMappedDataset.')


def refuse_clutter(dataset: Any) -> None:
    """Check that MMSegmentation's own listing of a folder has no files that other programs made.

    Args:
        dataset (BaseSegDataset): A fully initialised data set without list, in local folders, not serialized.

    Raises:
        ValueError: if it has.
    """
    folder = dataset.data_prefix.get('img_path') or ''
    paths = [path_below(info['img_path'], folder) for info in dataset.data_list]
    clutter = [path for path in paths if is_clutter(path)]
    if clutter:
        raise ValueError(f'{type(dataset).__name__} of MMSegmentation takes {len(clutter)} files in {folder} for '
                         f'images that other programs made: {first_names(clutter)}. Delete them, or use '
                         'LabelMappedDataset, which leaves them out.')


def missing_files(paths: Sequence[str], listings: Optional[Listings] = None) -> List[str]:
    """Return the paths that do not exist, with one listing of each folder; calls can share and extend `listings`."""
    listings = {} if listings is None else listings
    missing: List[str] = []
    start = ''
    present: AbstractSet[str] = frozenset()
    for path in paths:
        if path[len(start):] in present and path.startswith(start):
            continue  # lists usually name the images of a folder together, and names have no separator
        start, name = path[:path.rfind(os.sep) + 1], path[path.rfind(os.sep) + 1:]
        listed = start or osp.curdir
        if listed not in listings:
            listings[listed] = set(os.listdir(listed)) if osp.isdir(listed) else set()
        present = listings[listed]
        if name not in present:
            missing.append(path)
    return missing


def nested_datasets(dataset: Any) -> Iterator[Any]:
    """A data set and those that it wraps as `dataset` or `datasets` (RepeatDataset, ConcatDataset, ...)."""
    if dataset is None:
        return
    yield dataset
    for part in [*(getattr(dataset, 'datasets', None) or ()), getattr(dataset, 'dataset', None)]:
        yield from nested_datasets(part)


def refuse_shared_images(labeled: Sequence[Dataset], unlabeled: Sequence[Dataset]) -> None:
    """Check that no image is both in a labelled and in an unlabelled list. Data sets without a list are not checked.

    Args:
        labeled (Sequence[Dataset]): MMEngine data sets whose labels are used.
        unlabeled (Sequence[Dataset]): MMEngine data sets of unlabelled images.

    Raises:
        ValueError: if there are such images; the message has their names and both lists.
    """
    with_lists = [[dataset for dataset in datasets if getattr(dataset, 'ann_file', '')]
                  for datasets in (labeled, unlabeled)]
    if not all(with_lists):
        return  # no need to collect paths
    our_paths = [(ours, {osp.abspath(path) for path in _image_paths(ours)}) for ours in with_lists[0]]  # usually few
    names = {osp.basename(path) for _, paths in our_paths for path in paths}
    for theirs in with_lists[1]:
        found = {osp.abspath(path) for path in _image_paths(theirs) if path[path.rfind(os.sep) + 1:] in names}
        for ours, paths in our_paths:
            shared = sorted(paths & found)
            if shared:
                raise ValueError(f'{len(shared)} images are both in the labelled list {ours.ann_file} and in the '
                                 f'unlabelled list {theirs.ann_file}: {first_names(shared)}. Give the target branch '
                                 "the complement: `part='unlabeled'` of LabelBudgetDataset, or a list of "
                                 'tools/make_splits.py.')


def _image_paths(dataset: Any) -> Iterator[str]:
    """Iterate over the paths of the original images of a data set, without keeping them: there may be a million."""
    return (original_path(dataset.get_data_info(index)) for index in range(len(dataset)))
