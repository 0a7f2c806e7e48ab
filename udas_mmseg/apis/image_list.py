"""The images that a user names: files, folders, list files and videos."""
import os
import os.path as osp
from typing import Dict, List, NamedTuple, Sequence

from ..datasets.image_folders import list_images
from ..datasets.list_files import read_lines

VIDEO_TYPES = ('.avi', '.m4v', '.mkv', '.mov', '.mp4', '.mpeg', '.mpg', '.webm', '.wmv')
_LIST = '.txt'


class ImageList(NamedTuple):
    """Images or videos, without repetitions.

    Attributes:
        paths (list[str]): Absolute paths.
        root (str): The folder below which they are: the only folder that was named, or else the deepest one that
            contains everything that was named.
        folders (list[str]): The folders that were named.
        are_videos (bool): Whether they are videos.
    """
    paths: List[str]
    root: str
    folders: List[str]
    are_videos: bool


def find_images(arguments: Sequence[str]) -> ImageList:
    """Find the images or videos that a user names.

    Args:
        arguments (Sequence[str]): Images, videos, folders (with their sub-folders; only images are used), or list files
            ending in `.txt` with the path of an image in each line, from the current folder or that of the list.

    Raises:
        OSError: if one of them does not exist.
        ValueError: if there are images and videos, or none.
    """
    found: Dict[str, None] = {}
    folders, roots = [], []
    for argument in map(os.fspath, arguments):
        path = osp.abspath(argument)
        if osp.isdir(path):
            paths = [osp.join(path, name) for name in list_images(argument)]
            folders.append(path)
        elif not osp.exists(path):
            raise FileNotFoundError(f'{argument} does not exist (looked in {osp.abspath(osp.curdir)}). Give images, '
                                    'folders, list files (.txt) or videos.')
        else:
            paths = _read(argument) if path.lower().endswith(_LIST) else [path]
        roots += [path] if osp.isdir(path) else [osp.dirname(name) for name in paths]
        found.update(dict.fromkeys(paths))
    if not found:
        raise ValueError(f'{", ".join(map(str, arguments))}: there are no images. Give images, folders, list files '
                         '(.txt) or videos.')
    videos = [path for path in found if path.lower().endswith(VIDEO_TYPES)]
    if videos and len(videos) < len(found):
        raise ValueError(f'{videos[0]} is a video, and {len(found) - len(videos)} others are images. Predict them in '
                         'two calls, each with its own --out.')
    return ImageList(list(found), osp.commonpath(roots), folders, bool(videos))


def _read(path: str) -> List[str]:
    """Return the absolute paths of the images in a list file.

    Raises:
        FileNotFoundError: if one of them does not exist.
    """
    found = []
    for line in read_lines(path):
        choices = [osp.abspath(osp.join(folder, line.name)) for folder in (osp.curdir, osp.dirname(path))]
        existing = [choice for choice in choices if osp.isfile(choice)]
        if not existing:
            raise FileNotFoundError(f'line {line.number} of the list {path} is {line.name!r}: there is no such file in '
                                    f'{" or ".join(dict.fromkeys(map(osp.dirname, choices)))}. A line must be the path '
                                    'of an image with its suffix, from the current folder or that of the list.')
        found.append(existing[0])
    return found


def output_names(names: Sequence[str]) -> List[str]:
    """Return a name without suffix for the files of each image. Images that differ in their suffix alone keep it.

    Args:
        names (Sequence[str]): Different paths below the same folder.

    Example:
        >>> output_names(['a.jpg', 'a.png', 'ulm/b.jpg'])
        ['a.jpg', 'a.png', 'ulm/b']
    """
    short = [osp.splitext(name)[0] for name in names]
    while True:
        count: Dict[str, int] = {}
        for name in short:
            count[name] = count.get(name, 0) + 1
        if max(count.values(), default=1) == 1:
            return short
        short = [whole if count[name] > 1 else name for whole, name in zip(names, short)]
