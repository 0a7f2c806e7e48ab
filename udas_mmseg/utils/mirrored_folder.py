"""Folders with a file for each image of a set, in the places of the images, and an index of what made them."""
import json
import os
import os.path as osp
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional

INDEX = 'index.json'


def mirrored_path(image: str, image_root: str, ending: str = '.png') -> str:
    """The place of an image in a mirrored folder: its path below the image folder, with another ending.

    Args:
        image (str): Path of the image.
        image_root (str): The folder that the images are in, at any depth.
        ending (str): Ending of the file there. Defaults to '.png'.

    Raises:
        ValueError: if the image is not below that folder.

    Example:
        >>> mirrored_path('data/train/frankfurt/x_leftImg8bit.jpg', 'data/train')
        'frankfurt/x_leftImg8bit.png'
    """
    relative = osp.relpath(image, image_root or osp.curdir)
    if relative.split(os.sep)[0] == osp.pardir:
        raise ValueError(f'{image} is not below {image_root!r}, so that it has no place in a mirrored folder. Set '
                         '`data_prefix.img_path` to a folder that all images are below.')
    return osp.splitext(relative)[0] + ending


def check_unique(owners: Mapping[str, List[str]]) -> None:
    """Check that no two images have the same file.

    Args:
        owners (Mapping): image -> its files in the folder.

    Raises:
        ValueError: naming both images and the file.
    """
    seen: Dict[str, str] = {}
    for image, names in owners.items():
        for name in names:
            if name in seen:
                raise ValueError(f'{seen[name]} and {image} would both have the file {name} in the set. Rename one of '
                                 'them.')
            seen[name] = image


def read_index(folder: Path, key: str) -> Optional[Dict[str, Any]]:
    """The index of a folder; None if it has none, or one of something else.

    Args:
        folder (Path): The folder.
        key (str): Entry that holds what made the files, a dict, in indices of this kind.
    """
    try:
        found = json.loads((folder / INDEX).read_text(encoding='utf-8'))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get(key), dict) else None


def holds_files(folder: Path) -> bool:
    """Whether there is anything but what a run leaves that was killed as it began."""
    return folder.is_dir() and any(path.name != f'{INDEX}.part' for path in folder.iterdir())
