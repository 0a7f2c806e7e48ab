"""Replacing the images of a data set by their translations.

`tools/translate.py` writes a mirror of an image folder: the translation of `<img_path>/a/b.png` is `<root>/a/b.png` or
`<root>/a/b.jpg`. Each file is written under a temporary name and then renamed, so every existing file is complete.
"""
import os.path as osp
from typing import Any, Dict, List, Mapping, Sequence

from mmengine import fileio
from mmengine.logging import MMLogger

from ..utils.files import path_below

TRANSLATION_SUFFIXES = ('.png', '.jpg')
MISSING_TRANSLATION = ('original', 'error')
_COMMAND = 'python tools/translate.py CONFIG CHECKPOINT --out'


def original_path(info: Mapping[str, Any]) -> str:
    """Return the path of the original image of a data information, whose image may have been translated."""
    return info.get('original_img_path', info['img_path'])


def translation_stem(img_path: str, img_dir: str) -> str:
    """Return the path of the translation of an image below `translated_root`, without `.png` or `.jpg`.

    Args:
        img_path (str): Path of the image.
        img_dir (str): Folder that contains the images, at any depth: `data_prefix.img_path`.

    Example:
        >>> translation_stem('data/train/frankfurt/x_leftImg8bit.png', 'data/train')
        'frankfurt/x_leftImg8bit'
    """
    return osp.splitext(path_below(img_path, img_dir))[0]


def use_translations(data_list: Sequence[dict], img_dir: str, root: str, missing: str = 'original') -> None:
    """Replace images by their translations in a data list, in place and without changing the order.

    A translated sample has the translation as `img_path`, the original as `original_img_path`, and
    `is_translated=True`. Other samples are not changed. One warning lists the missing translations.

    Args:
        data_list (Sequence[dict]): Data information with `img_path`.
        img_dir (str): Folder that contains the images.
        root (str): Folder of the translations.
        missing (str): 'original' to use the originals of images without a translation, 'error' to raise an error.

    Raises:
        FileNotFoundError: if `root` does not exist.
        ValueError: if no image has a translation (the folder may belong to another data set), if an image has two, or,
            with 'error', if an image has none.
    """
    found = _list_translations(root)
    stems = [translation_stem(info['img_path'], img_dir) for info in data_list]
    _check_single(found, stems, root)
    without = [path_below(info['img_path'], img_dir)
               for info, stem in zip(data_list, stems) if stem not in found]
    if len(without) == len(data_list):
        example = next(iter(found.items()), None)
        there = 'no images at all' if example is None else f'{len(found):,} others, such as {example[0]}{example[1][0]}'
        raise ValueError(f'none of {len(data_list):,} images of {img_dir} has a translation: looked for '
                         f'{osp.join(root, stems[0])}.png (or .jpg) and so on, and found {there}. Is '
                         f'translated_root={root!r} the right folder? Translations must have the same paths below it '
                         'as the images have below `data_prefix.img_path`.')
    if without:
        text = f'{len(without):,} of {len(data_list):,} images have no translation in {root}: {first_names(without)}'
        fix = f'`{_COMMAND} {root}` translates the remaining images'
        if missing == 'error':
            raise ValueError(f"{text}. {fix}; with missing_translation='original' the originals are used.")
        MMLogger.get_current_instance().warning(f'{text}; the originals are used. {fix}.')
    for info, stem in zip(data_list, stems):
        if stem in found:
            path = osp.join(root, stem + found[stem][0])
            info.update(original_img_path=info['img_path'], img_path=path, is_translated=True)


def first_names(names: Sequence[str], count: int = 3) -> str:
    """Join the first few of many names."""
    return ', '.join(names[:count]) + (', ...' if len(names) > count else '')


def _list_translations(root: str) -> Dict[str, List[str]]:
    """Return the suffixes of each translation, from one listing of the folder (which may have 25,000 files)."""
    if not osp.isdir(root):
        raise FileNotFoundError(f'translated_root={root!r} is not a folder (looked in {osp.abspath(osp.curdir)}; it is '
                                f'not relative to `data_root`). Create it with `{_COMMAND} {root}`, or remove '
                                '`translated_root` to train on the originals.')
    found: Dict[str, List[str]] = {}
    for path in fileio.list_dir_or_file(root, list_dir=False, suffix=TRANSLATION_SUFFIXES, recursive=True):
        stem, suffix = osp.splitext(path)
        found.setdefault(stem, []).append(suffix)
    return found


def _check_single(found: Dict[str, List[str]], stems: Sequence[str], root: str) -> None:
    """Refuse two translations of the same image, because it is unknown which one should be used."""
    double = [stem for stem in stems if len(found.get(stem, ())) > 1]
    if double:
        raise ValueError(f'{len(double):,} of {len(stems):,} images have two translations in {root}, .png and .jpg: '
                         f'{first_names(double)}. Delete those of one translation, or translate into a new folder.')
