"""List files: the names of the images to use, one name per line, as in MMSegmentation's `ann_file`.

A name is the path of an image below the image folder, with `/` between folders and without the suffix.
"""
import hashlib
import os
import os.path as osp
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence, Set, Union

from mmengine import fileio
from mmengine.logging import MMLogger
from torch.utils.data import Dataset

from ..utils.files import replace_file
from .translated import first_names

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
    paths = fileio.list_dir_or_file(folder, list_dir=False, suffix=suffix, recursive=True)
    names = sorted(path[:len(path) - len(suffix)].replace(os.sep, '/') for path in paths)
    if not names:
        raise FileNotFoundError(f'{folder} has no images ending in {suffix!r}. Check the folder and the suffix of its '
                                'images; see docs/datasets.md, or run `make demo` for generated data.')
    return names


def read_list(path: Union[str, Path]) -> List[str]:
    """Return the names in a list file in their order, without blank lines."""
    lines = Path(path).read_text(encoding='utf-8').splitlines()
    return [line.strip() for line in lines if line.strip()]


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
        dataset (BaseSegDataset): A fully initialised data set with `ann_file`, in local folders.

    Raises:
        ValueError: if an image or a label of the list does not exist.
    """
    infos = [dataset.get_data_info(index) for index in range(len(dataset))]
    for key, kind in (('img_path', 'images'), ('seg_map_path', 'labels')):
        missing = missing_files([info[key] for info in infos if info.get(key) is not None])
        if missing:
            folder = dataset.data_prefix.get(key)
            suffix = getattr(dataset, 'img_suffix' if key == 'img_path' else 'seg_map_suffix', '')
            raise ValueError(f'{len(missing)} of {len(infos)} {kind} in the list {dataset.ann_file} do not '
                             f'exist: {first_names(missing)}. Each line must be a path below {folder} without '
                             f'{suffix!r}. Restore the files, or remove their names from the list.')


def missing_files(paths: Sequence[str]) -> List[str]:
    """Return the paths that do not exist, with one listing of each folder."""
    present: Dict[str, Set[str]] = {}
    for folder in {osp.dirname(path) for path in paths}:
        present[folder] = set(os.listdir(folder or osp.curdir)) if osp.isdir(folder or osp.curdir) else set()
    return [path for path in paths if osp.basename(path) not in present[osp.dirname(path)]]


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
    ours_and_theirs = [[(dataset, _image_paths(dataset)) for dataset in datasets] for datasets in with_lists]
    for ours, our_paths in ours_and_theirs[0]:
        for theirs, their_paths in ours_and_theirs[1]:
            shared = sorted(our_paths & their_paths)
            if shared:
                raise ValueError(f'{len(shared)} images are both in the labelled list {ours.ann_file} and in the '
                                 f'unlabelled list {theirs.ann_file}: {first_names(shared)}. Give the target branch '
                                 "the complement: `part='unlabeled'` of LabelBudgetDataset, or a list of "
                                 'tools/make_splits.py.')


def _image_paths(dataset: Any) -> Set[str]:
    """Return the paths of the original images of a data set."""
    infos = (dataset.get_data_info(index) for index in range(len(dataset)))
    return {osp.abspath(info.get('original_img_path', info['img_path'])) for info in infos}
