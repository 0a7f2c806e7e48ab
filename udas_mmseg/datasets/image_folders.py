"""Listing folders of images and labels, without the files that other programs leave in them."""
import os
import os.path as osp
import re
from collections import Counter
from typing import Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

from mmengine import fileio

from ..utils.messages import log_once
from .translated import first_names

# in small letters: of Jupyter, NAS systems (thumbnails, deleted files, older states), macOS, Linux and Windows
CLUTTER_FOLDERS = ('.ipynb_checkpoints', '@eadir', '@recycle', '#recycle', '.@__thumb', '#snapshot', '.snapshot',
                   '__macosx', '.trashes', '$recycle.bin', 'system volume information')
_DELETED = '.trash-'  # followed by the number of the user
_CLUTTER_FILES = ('Thumbs.db', )
IMAGE_TYPES = ('.bmp', '.gif', '.jpeg', '.jpg', '.pgm', '.png', '.ppm', '.tif', '.tiff', '.webp')
_NUM_KINDS = 4  # described in a message


def is_clutter(path: str) -> bool:
    """Whether Jupyter, macOS, Windows or a NAS made a file, and not the author of the data set.

    Args:
        path (str): Path below the folder of the data.
    """
    *folders, name = path.replace(os.sep, '/').split('/')
    return name.startswith('._') or name in _CLUTTER_FILES or any(
        folder.lower() in CLUTTER_FOLDERS or folder.lower().startswith(_DELETED) for folder in folders)


def list_files(folder: str, suffix: str, backend_args: Optional[dict] = None) -> List[str]:
    """List the files below a folder that end in a suffix. Clutter is left out, with one warning.

    Args:
        folder (str): The folder.
        suffix (str): End of the file names, such as '_leftImg8bit.png'.
        backend_args (dict, optional): Arguments of MMEngine's file backend. Defaults to None.

    Returns:
        list[str]: Unsorted paths below the folder. As in MMSegmentation, hidden files are left out.
    """
    if backend_args is None:
        found = [path for path in _files_below(folder) if path.endswith(suffix)]
    else:
        found = list(fileio.list_dir_or_file(folder, list_dir=False, suffix=suffix, recursive=True,
                                             backend_args=backend_args))
    clutter = sorted(path for path in found if is_clutter(path))
    if clutter:
        log_once(f'{folder}: {len(clutter)} of {len(found)} files ending in {suffix!r} are left out, because other '
                 f'programs made them: {first_names(clutter)}')
    return [path for path in found if not is_clutter(path) and not osp.basename(path).startswith('.')]


def left_out(folder: str, suffix: str) -> List[str]:
    """Return the sorted files below a local folder that `list_files` leaves out although they have the suffix."""
    return sorted(path for path in _files_below(folder) if path.endswith(suffix)
                  and (is_clutter(path) or osp.basename(path).startswith('.')))


def list_images(folder: str) -> List[str]:
    """List the images below a local folder, of all `IMAGE_TYPES` in capital or small letters.

    Args:
        folder (str): The folder.

    Returns:
        list[str]: Sorted paths below the folder, without hidden files and clutter.

    Raises:
        FileNotFoundError: if there are none.
    """
    found = sorted(path for path in _files_below(folder) if osp.splitext(path)[1].lower() in IMAGE_TYPES
                   and not is_clutter(path) and not osp.basename(path).startswith('.'))
    if not found:
        raise FileNotFoundError(f'{folder} has no images. Images are files ending in {", ".join(IMAGE_TYPES)}.')
    return found


def no_images(folder: str, suffix: str) -> str:
    """Describe a folder in which no image has the suffix, with the suffixes that are there."""
    there = other_images(folder, suffix)
    if not there:
        return (f'{folder} has no images ending in {suffix!r}, and none of another type. Check `data_prefix`; see '
                'docs/datasets.md, or run `make demo` for generated data.')
    return (f'{folder} has no images ending in {suffix!r}. It has {describe_kinds(there)}. Set '
            f'`img_suffix`={next(iter(there))!r}, or check `data_prefix`; see docs/datasets.md.')


def other_images(folder: str, suffix: Union[str, Tuple[str, ...]]) -> Mapping[str, int]:
    """Count the images below a local folder that a suffix leaves out, by their own suffixes; the largest count first.

    Example:
        >>> other_images('data/camera', '.jpg')
        {'.JPG': 120, '.png': 3}
    """
    return count_kinds([path for path in _files_below(folder) if not path.endswith(suffix) and not is_clutter(path)
                        and osp.splitext(path)[1].lower() in IMAGE_TYPES])


def count_kinds(paths: Iterable[str]) -> Mapping[str, int]:
    """Count paths by their suffixes, such as '.JPG' or '_gtFine_labelIds.png'; the largest count first.

    The end of a name counts as a suffix if at least two files have it.
    """
    ends = [_end_of(path) for path in paths]
    counts = Counter(ends)
    kinds = Counter(end if counts[end] > 1 else osp.splitext(end)[1] or end for end in ends)
    return dict(sorted(kinds.items(), key=lambda item: (-item[1], item[0])))


def describe_kinds(counts: Mapping[str, int]) -> str:
    """Describe counts of suffixes: "120 files ending in '.JPG', 3 in '.png'"."""
    parts = [f'{count} in {suffix!r}' for suffix, count in counts.items()]
    return first_names(parts, _NUM_KINDS).replace(' in ', ' files ending in ', 1)


def fitting_suffixes(names: Sequence[str], folder: str) -> Mapping[str, int]:
    """Find the suffixes with which files of a local folder belong to images.

    Args:
        names (Sequence[str]): Names of images: paths without suffix.
        folder (str): Folder of the labels.

    Returns:
        dict[str, int]: Number of names with such a file, by suffix; the largest count first.
    """
    wanted = set(names)
    counts: Counter = Counter()
    for path in _files_below(folder):
        if osp.splitext(path)[1].lower() in IMAGE_TYPES and not is_clutter(path):
            start = next((path[:end] for end in range(len(path), 0, -1) if path[:end] in wanted), None)
            counts.update([path[len(start):]] if start is not None else [])
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def pairing_hint(unpaired: Sequence[str], names: Sequence[str], seg_dir: str, suffix: str) -> str:
    """Propose what to set if images have no labels.

    Args:
        unpaired (Sequence[str]): Names of the images without label.
        names (Sequence[str]): Names of all images.
        seg_dir (str): Folder of the labels.
        suffix (str): `seg_map_suffix`.

    Returns:
        str: One sentence followed by a space, or ''.
    """
    fitting = {end: count for end, count in fitting_suffixes(unpaired, seg_dir).items() if end != suffix}
    labels = extended_names(unpaired, names)
    if labels and 2 * len(labels) >= len(unpaired):
        return (f'The image folder seems to hold labels too, such as {labels[0]!r} beside its image: move them to a '
                'folder of their own, set `img_suffix` to a suffix that only images have, or list the images. ')
    if fitting:
        return (f'For these images the folder has {describe_kinds(fitting)}: set `seg_map_suffix` to the suffix of '
                'the labels to read. ')
    there = count_kinds(path for path in _files_below(seg_dir) if not is_clutter(path))
    return f'The folder has {describe_kinds(there)}. ' if there else 'The folder has no files. '


def extended_names(some: Sequence[str], names: Sequence[str]) -> List[str]:
    """Return those of some names that are another name followed by a word: 'a/001_mask' if there is 'a/001'."""
    known = set(names)
    return [name for name in some if any(name[match.start():][1:2].isalpha() and name[:match.start()] in known
                                         for match in re.finditer(r'[_.-]', name))]


def _end_of(path: str) -> str:
    """Return the suffix of a file with the words before it: '_gtFine_labelIds.png' of 'a_01_gtFine_labelIds.png'."""
    found = re.search(r'(_[A-Za-z][A-Za-z0-9]*)*\.[A-Za-z0-9]+$', osp.basename(path))
    return found.group() if found else osp.basename(path)


def _files_below(folder: str) -> Iterator[str]:
    """Iterate over the paths of all files below a local folder, relative to it."""
    start = len(osp.join(folder, ''))
    folders = [folder]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_file():
                    yield entry.path[start:]
                elif entry.is_dir():
                    folders.append(entry.path)
