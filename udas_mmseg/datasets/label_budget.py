"""Label budgets: a fixed number of target images whose labels may be used."""
import hashlib
import logging
import math
import os.path as osp
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS

from ..utils.messages import log_once
from .cityscapes_budgets import OFFICIAL_SEED, describe_split
from .label_mapped import check_folders
from .list_files import NO_LABELS, list_names, list_sha256, read_list, refuse_missing, write_list

# the files of tools/make_splits.py
LIST_NAMES = dict(labeled='labeled_{n}.txt', unlabeled='unlabeled_without_{n}.txt')
PARTS = tuple(LIST_NAMES)


class BudgetLists(NamedTuple):
    """Paths of the list files of a budget. If the budget has all images, its complement is empty and has no file."""
    labeled: str
    unlabeled: Optional[str]


@dataclass(frozen=True)
class LabelBudget:
    """The first `n` images, sorted by the SHA-256 of `'<seed>:<name>'`.

    The order depends only on the names and the seed, not on the order of a folder listing or on the random generator
    of a library. Budgets of one seed are therefore nested, and adding or removing an image does not reorder the
    others. A name is the path of an image below the image folder, with `/` and without the suffix.

    Args:
        n (int | str | Fraction): Number of images, 1 or more, or a fraction of them such as '1/16', rounded half up.
        seed (int): Seed of the order. Defaults to 2021.

    Raises:
        ValueError: if `n` is not a positive number or a fraction up to 1, or `seed` is not an integer.

    Example:
        >>> labeled, unlabeled = LabelBudget(2).choose(['ulm/0', 'ulm/1', 'jena/0'])
    """
    n: Union[int, str, Fraction]
    seed: int = OFFICIAL_SEED

    def __post_init__(self) -> None:
        if isinstance(self.seed, bool) or not isinstance(self.seed, int):
            raise ValueError(f'seed={self.seed!r}: it must be an integer.')
        object.__setattr__(self, 'n', _parse_size(self.n))

    def count(self, total: int) -> int:
        """Return the number of images in the labelled list, out of `total`.

        Raises:
            ValueError: if this number is 0 or larger than `total`.
        """
        n = self.n
        assert not isinstance(n, str)  # parsed
        size = math.floor(n * total + Fraction(1, 2)) if isinstance(n, Fraction) else n
        if size < 1:
            raise ValueError(f'n={str(n)!r} of {total} images is less than half an image. {NO_LABELS}')
        if size > total:
            raise ValueError(f'n={n} is more than the {total} images found: allowed are 1-{total}, or a fraction such '
                             "as '1/16'. Use a smaller budget, or complete the image folder.")
        return size

    def choose(self, names: Sequence[str]) -> Tuple[List[str], List[str]]:
        """Split names into the budget and its complement.

        Args:
            names (Sequence[str]): Names of all images, in any order.

        Returns:
            tuple[list[str], list[str]]: Labelled and unlabelled names, each sorted.

        Raises:
            ValueError: if there are no names or too few, or if a name occurs twice.
        """
        if not names:
            raise ValueError('there are no images to choose from. Check the image folder and the suffix of its files.')
        if len(set(names)) != len(names):
            list_sha256(names)  # raises an error that lists them
        size = self.count(len(names))
        order = sorted(names, key=lambda name: hashlib.sha256(f'{self.seed}:{name}'.encode()).digest())
        return sorted(order[:size]), sorted(order[size:])

    def make_lists(self, names: Sequence[str], list_dir: str, data_name: str = 'images') -> BudgetLists:
        """Write both list files, unless they exist, and log a description of the split with their SHA-256.

        Args:
            names (Sequence[str]): Names of all images.
            list_dir (str): Folder for the lists.
            data_name (str): First part of the file names. File names also contain the numbers, the seed and the hash
                of all names, so that lists of different images have different file names. Defaults to 'images'.
        """
        labeled, unlabeled = self.choose(names)
        whole = list_sha256(names)
        text, is_warning = describe_split(names, whole, self.seed, len(labeled), list_sha256(labeled),
                                          list_sha256(unlabeled) if unlabeled else None)
        start = re.sub(r'[^\w.-]', '_', data_name)
        stem = osp.join(list_dir, f'{start}_{len(labeled)}_of_{len(names)}_seed{self.seed}_{whole[:8]}')
        lists = BudgetLists(f'{stem}_labeled.txt', f'{stem}_unlabeled.txt' if unlabeled else None)
        write_list(lists.labeled, labeled)
        if lists.unlabeled is not None:
            write_list(lists.unlabeled, unlabeled)
        log_once(text, logging.WARNING if is_warning else logging.INFO)
        return lists


@DATASETS.register_module(name='LabelBudgetDataset')
def build_label_budget_dataset(n: Union[int, str, Fraction],
                               dataset: dict,
                               part: str = 'labeled',
                               seed: int = OFFICIAL_SEED,
                               list_dir: str = 'work_dirs/splits',
                               split_dir: Optional[str] = None,
                               split_names: Mapping[str, str] = LIST_NAMES,
                               whole_if_empty: bool = False) -> BaseSegDataset:
    """Build a data set with only the images of a label budget, or of its complement.

    Writes the list files for the images in the data set's image folder, or in its `ann_file` if it has one, and builds
    the data set with the new list as `ann_file`. Registered as `LabelBudgetDataset`. The top-level key `budget = 100`
    sets `n` of all budgets of a config, see `apply_budget`.

    Args:
        n (int | str | Fraction): See `LabelBudget`.
        dataset (dict): Config of an MMSegmentation data set that accepts `ann_file`, such as CityscapesDataset.
        part (str): 'labeled', or 'unlabeled' for the complement; then the config must have no `seg_map_path`. Defaults
            to 'labeled'.
        seed (int): See `LabelBudget`. Defaults to 2021.
        list_dir (str): Folder for the list files, relative to the current folder. Defaults to 'work_dirs/splits'.
        split_dir (str, optional): Folder of existing lists, as written by `tools/make_splits.py`, relative to the data
            set's `data_root`, from which the list of the part is read. Defaults to None: lists are written.
        split_names (Mapping[str, str]): Names of the files in `split_dir` for each part, with {n} for the size of the
            budget. Defaults to `dict(labeled='labeled_{n}.txt', unlabeled='unlabeled_without_{n}.txt')`.
        whole_if_empty (bool): Whether to use the whole data set, without labels, for `part='unlabeled'` if all images
            are labelled. If False, this is an error. Defaults to False.

    Raises:
        FileNotFoundError: if the image folder or a list is missing.
        ValueError: if the budget is too large, the complement is empty, or the data set does not accept a list.

    Example:
        >>> labeled = dict(type='LabelBudgetDataset', n=100, dataset=dict(type='CityscapesDataset', ...))
    """
    if part not in PARTS:
        raise ValueError(f'part={part!r} of LabelBudgetDataset: allowed are {PARTS}.')
    budget = LabelBudget(n, seed)
    inner = _build_lazily(dataset)
    if part == 'unlabeled' and inner.data_prefix.get('seg_map_path') is not None:
        raise ValueError(f"part='unlabeled' with seg_map_path={inner.data_prefix['seg_map_path']!r}: labels outside "
                         'the budget are never opened. Remove `seg_map_path` from the `data_prefix` of `dataset`.')
    if split_dir is not None:
        inner.ann_file = _existing_list(osp.join(inner.data_root or '', split_dir), split_names, part, n)
    else:
        inner.ann_file = _new_list(budget, inner, part, list_dir, whole_if_empty)
    if not dataset.get('lazy_init'):
        inner.full_init()
    return inner


def _new_list(budget: LabelBudget, dataset: BaseSegDataset, part: str, list_dir: str, whole_if_empty: bool) -> str:
    """Write the lists of a budget; the path of the one for the part, or the data set's own for all images."""
    root = dataset.data_root or dataset.data_prefix.get('img_path') or ''
    lists = budget.make_lists(_names_of(dataset), osp.abspath(list_dir), osp.basename(osp.abspath(root)))
    path = lists.labeled if part == 'labeled' else lists.unlabeled
    if path is None and not whole_if_empty:
        raise ValueError(f"n={budget.n} is the number of all images, so part='unlabeled' is empty. Set "
                         'whole_if_empty=True to use all images without their labels, or do not use '
                         'LabelBudgetDataset.')
    return path or dataset.ann_file


def _existing_list(folder: str, names: Mapping[str, str], part: str, n: Union[int, str, Fraction]) -> str:
    """The list file of a part in a folder of lists."""
    name = names.get(part, '')
    if '{n}' not in name:
        raise ValueError(f'split_names={dict(names)} has no name with {{n}} for part={part!r}. For example: '
                         f'{LIST_NAMES}.')
    path = osp.join(folder, name.format(n=n))
    if not osp.isfile(path):
        start, end = name.split('{n}')
        sizes = [file.name[len(start):len(file.name) - len(end)] for file in Path(folder).glob(f'{start}*{end}')]
        present = sorted(sorted(sizes), key=len)
        raise FileNotFoundError(f'n={n}: {path} does not exist. There are lists for n = {", ".join(present) or None}. '
                                'Take one of these, or make lists with tools/make_splits.py.')
    return path


def _build_lazily(dataset: Any) -> BaseSegDataset:
    """Build the data set without searching for its images yet."""
    kind: Any = dataset.get('type') if isinstance(dataset, dict) else type(dataset).__name__
    if isinstance(kind, str) and DATASETS.get(kind) is not None:
        kind = DATASETS.get(kind)
    if not (isinstance(dataset, dict) and isinstance(kind, type) and issubclass(kind, BaseSegDataset)):
        name = getattr(kind, '__name__', f'of the unknown type {kind!r}')
        raise ValueError(f'`dataset` of LabelBudgetDataset is {name}: it must be the config of a single data set of '
                         'images with `ann_file`, such as CityscapesDataset or LabelMappedDataset. Put '
                         'wrappers (repetition, streams) around LabelBudgetDataset, not inside it.')
    inner = DATASETS.build({**dataset, 'type': kind, 'lazy_init': True})
    if inner.backend_args is not None:
        raise ValueError(f'backend_args={inner.backend_args} in LabelBudgetDataset: budgets work with local folders '
                         'only. Write lists with tools/make_splits.py, and pass one as `ann_file`.')
    return inner


def _names_of(dataset: BaseSegDataset) -> List[str]:
    """Return the names of the images of a data set: those on its list, or all in its folder."""
    folder = dataset.data_prefix.get('img_path') or ''
    check_folders([folder], dataset.ann_file)
    if not dataset.ann_file:
        return list_names(folder, dataset.img_suffix)
    names = read_list(dataset.ann_file)
    refuse_missing(dataset, [osp.join(folder, name + dataset.img_suffix) for name in names], 'images')
    return names


def _parse_size(n: Union[int, str, Fraction]) -> Union[int, Fraction]:
    """Parse a number of images, or a fraction of them, from a config or a command line."""
    size: Any = n
    if isinstance(n, str) and re.fullmatch(r'-?\d+', n.strip()):
        size = int(n)
    elif isinstance(n, str) and re.fullmatch(r'\d+/0*[1-9]\d*', n.strip()):
        size = Fraction(n.strip())
    if isinstance(size, bool) or not isinstance(size, (int, Fraction)) or (isinstance(size, Fraction) and size > 1):
        raise ValueError(f"n={n!r}: allowed are an integer, 1 or more, or a fraction of the images up to '1/1', such "
                         "as '1/16'.")
    if size <= 0:
        raise ValueError(f'n={n!r} is an empty labelled set. {NO_LABELS}')
    return size
