"""Folders with files for the images of another folder, in the same sub-folders, and `index.json`."""
import json
import os
import os.path as osp
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from .files import PART, path_below

INDEX = 'index.json'


def mirrored_path(image: str, image_root: str, ending: str = '.png') -> str:
    """Return the path of an image's file in a mirrored folder: the path of the image with another ending.

    Args:
        image (str): Path of the image.
        image_root (str): Folder that contains the images, at any depth.
        ending (str): Ending of the file in the mirrored folder. Defaults to '.png'.

    Raises:
        ValueError: if the image is not below that folder.

    Example:
        >>> mirrored_path('data/train/frankfurt/x_leftImg8bit.jpg', 'data/train')
        'frankfurt/x_leftImg8bit.png'
    """
    relative = path_below(image, image_root)
    if relative.split(os.sep)[0] == osp.pardir:
        raise ValueError(f'{image} is not below {image_root!r}, so it has no path in a mirrored folder. Set '
                         '`data_prefix.img_path` to a folder that contains all images.')
    return osp.splitext(relative)[0] + ending


def mirrored_paths(images: Sequence[str], image_root: str, folder: str) -> List[str]:
    """Return `os.path.join(folder, mirrored_path(image, image_root))` of many images, only faster.

    Raises:
        ValueError: if an image is not below `image_root`.
    """
    paths: List[str] = []
    known, start = None, ''
    for image in images:
        parent, _, name = image.rpartition(os.sep)
        if parent != known:  # lists usually name the images of a folder together
            path = osp.join(folder, mirrored_path(image, image_root))
            known, start = parent, path[:path.rfind(os.sep) + 1]
        stem = osp.splitext(name)[0] if name[:1] == '.' or '.' not in name else name[:name.rfind('.')]
        paths.append(f'{start}{stem}.png')
    return paths


def read_index(folder: Path, key: str) -> Optional[Dict[str, Any]]:
    """Read the index of a folder; None if it has no index, or one of another kind.

    Args:
        folder (Path): The folder.
        key (str): Entry of the index, a dict, that describes how the files were made. An index without this entry is
            of another kind.
    """
    try:
        found = json.loads((folder / INDEX).read_text(encoding='utf-8'))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get(key), dict) else None


def holds_files(folder: Path) -> bool:
    """Whether a folder has files, except an incomplete index from a run that was killed at its start."""
    return folder.is_dir() and not all(path.name.startswith(INDEX) and path.name.endswith(PART)
                                       for path in folder.iterdir())
