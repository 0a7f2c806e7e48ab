"""Translated images in the place of a data set's own.

`tools/translate.py` writes a mirror of an image folder: for `<img_path>/a/b.png` there is `<root>/a/b.png` or
`<root>/a/b.jpg`. Each file is written under another name and renamed, so that one that is there is whole.
"""
import os.path as osp
from typing import Dict, List, Sequence

from mmengine import fileio
from mmengine.logging import MMLogger

TRANSLATION_SUFFIXES = ('.png', '.jpg')
MISSING_TRANSLATION = ('original', 'error')
_COMMAND = 'python tools/translate.py CONFIG CHECKPOINT --out'


def translation_stem(img_path: str, img_dir: str) -> str:
    """Where the translation of an image is below `translated_root`, but for `.png` or `.jpg`.

    Args:
        img_path (str): Path of the image.
        img_dir (str): The folder that the images are in, at any depth: `data_prefix.img_path`.

    Example:
        >>> translation_stem('data/train/frankfurt/x_leftImg8bit.png', 'data/train')
        'frankfurt/x_leftImg8bit'
    """
    return osp.splitext(osp.relpath(img_path, img_dir or osp.curdir))[0]


def use_translations(data_list: Sequence[dict], img_dir: str, root: str, missing: str = 'original') -> None:
    """Put translated images into a data list, in place; its order stays that of the originals.

    A translated sample has the translation as `img_path`, the original as `original_img_path`, and
    `is_translated=True`. Other samples stay as they are. What is missing is named in one warning.

    Args:
        data_list (Sequence[dict]): Data information with `img_path`.
        img_dir (str): The folder that the images are below.
        root (str): The folder of the translations.
        missing (str): 'original' to use images without a translation as they are, 'error' to refuse them.

    Raises:
        FileNotFoundError: if there is no such folder.
        ValueError: if no image has a translation (another data set's?), if one has two, or, with 'error', if one has
            none.
    """
    found = _list_translations(root)
    stems = [translation_stem(info['img_path'], img_dir) for info in data_list]
    _check_single(found, stems, root)
    without = [osp.relpath(info['img_path'], img_dir or osp.curdir)
               for info, stem in zip(data_list, stems) if stem not in found]
    if len(without) == len(data_list):
        example = next(iter(found.items()), None)
        there = 'no images at all' if example is None else f'{len(found):,} others, such as {example[0]}{example[1][0]}'
        raise ValueError(f'none of {len(data_list):,} images of {img_dir} has a translation: looked for '
                         f'{osp.join(root, stems[0])}.png (or .jpg) and so on, and found {there}. Is '
                         f'translated_root={root!r} the right folder? Below it, images have the paths that they have '
                         'below `data_prefix.img_path`.')
    if without:
        text = f'{len(without):,} of {len(data_list):,} images have no translation in {root}: {first_names(without)}'
        fix = f'`{_COMMAND} {root}` goes on where it stopped'
        if missing == 'error':
            raise ValueError(f"{text}. {fix}; with missing_translation='original' the originals are used.")
        MMLogger.get_current_instance().warning(f'{text}; the originals are used. {fix}.')
    for info, stem in zip(data_list, stems):
        if stem in found:
            path = osp.join(root, stem + found[stem][0])
            info.update(original_img_path=info['img_path'], img_path=path, is_translated=True)


def first_names(names: Sequence[str], count: int = 3) -> str:
    """The first few of many names."""
    return ', '.join(names[:count]) + (', ...' if len(names) > count else '')


def _list_translations(root: str) -> Dict[str, List[str]]:
    """The suffixes that there are of each translation, from one listing (25,000 files)."""
    if not osp.isdir(root):
        raise FileNotFoundError(f'translated_root={root!r} is no folder (looked in {osp.abspath(osp.curdir)}; it is '
                                f'not below `data_root`). Make it with `{_COMMAND} {root}`, or take `translated_root` '
                                'out to train on the originals.')
    found: Dict[str, List[str]] = {}
    for path in fileio.list_dir_or_file(root, list_dir=False, suffix=TRANSLATION_SUFFIXES, recursive=True):
        stem, suffix = osp.splitext(path)
        found.setdefault(stem, []).append(suffix)
    return found


def _check_single(found: Dict[str, List[str]], stems: Sequence[str], root: str) -> None:
    """Two files of one image come from two translations; which one is meant cannot be known."""
    double = [stem for stem in stems if len(found.get(stem, ())) > 1]
    if double:
        raise ValueError(f'{len(double):,} of {len(stems):,} images have two translations in {root}, .png and .jpg: '
                         f'{first_names(double)}. Delete those of one translation, or translate into a new folder.')
