"""Numbers of pixels of each class in every label of a data set, counted once and stored in a cache."""
import io
import json
import os
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

import numpy as np
from mmcv.transforms import LoadAnnotations
from mmengine.dataset import RepeatDataset
from mmengine.logging import MMLogger

from ..utils.digests import file_digest
from ..utils.files import cache_folder, replace_file
from ..utils.processes import in_first_process
from ..utils.progress import Progress
from .image_files import SampleError
from .label_maps import IGNORE, count_ids
from .pipelines import steps_of
from .transforms.loading import LabelLoader

_WORKERS = 4
_VERSION = 1  # of the content of cache files


class _Label(NamedTuple):
    """A label file, and how it is read: the information on its sample, and the steps of its pipeline that load it."""
    info: dict
    steps: Sequence[Any]

    @property
    def path(self) -> str:
        return os.path.abspath(self.info['seg_map_path'])

    def key(self) -> str:
        """Return the path, and everything else that determines the class of each pixel."""
        settings = [[type(step).__name__, {name: value for name, value in vars(step).items() if name[0] != '_'}]
                    for step in self.steps]
        of_info = [self.info.get(name) for name in ('label_map', 'reduce_zero_label', 'label_channel')]
        return f'{self.path} {of_info} {settings}'

    def read(self, num_classes: int) -> np.ndarray:
        """Count the pixels of each class in the label; (C, ) int64."""
        results = dict(self.info)
        for step in self.steps:
            results = step(results)
        counts = count_ids(results['gt_seg_map'])
        wrong = num_classes + np.flatnonzero(counts[num_classes:IGNORE])
        if wrong.size:
            raise ValueError(f'{self.path} has the ids {wrong.tolist()}, but there are {num_classes} classes. Map the '
                             'ids with the `label_map` of the data set or of LoadLabelIds.')
        return counts[:num_classes]


def class_pixels(dataset: Any, cache_dir: Optional[str] = None, max_broken: int = 0) -> np.ndarray:
    """Count the pixels of each class in the labels of a data set.

    The first call reads every label, with progress on standard error, and stores the counts. Later calls read only the
    labels whose size or time of change differs, and count those whose SHA-256 differs. With several processes, the
    first one reads, and all get the result.

    Args:
        dataset (Dataset): A labelled data set, which may wrap others (`ConcatDataset`, `RepeatDataset`, and wrappers
            that keep the number of samples).
        cache_dir (str, optional): Folder for the counts. Defaults to `cache_folder()`.
        max_broken (int): Number of labels that may be broken, which then have no pixels, and are read again by the next
            call. Defaults to 0.

    Returns:
        np.ndarray: (number of samples, C) int64; ignored pixels are not counted.

    Raises:
        SampleError: if more labels are broken.
        ValueError: if the data set has no labels or no classes, or a label has an id that is not a class.
    """
    num_classes = len(dataset.metainfo.get('classes') or ())
    if not num_classes:
        raise ValueError(f'{type(dataset).__name__} has no classes to count. Set its `metainfo`.')
    labels = _labels_of(dataset)
    folder = Path(cache_dir) if cache_dir is not None else cache_folder()
    return in_first_process(lambda: _count_all(labels, num_classes, folder, max_broken))


def _labels_of(dataset: Any) -> List[_Label]:
    """Return the label of each sample, in the order of the samples."""
    parts = getattr(dataset, 'datasets', None)
    if parts:
        return [label for part in parts for label in _labels_of(part)]
    inner = getattr(dataset, 'dataset', None)
    if inner is not None:
        labels = _labels_of(inner)
        if isinstance(dataset, RepeatDataset):
            return [labels[index % len(labels)] for index in range(len(dataset))]
        if len(labels) != len(dataset):
            raise ValueError(f'{type(dataset).__name__} changes the number of samples in an unknown way, so that the '
                             'classes of its samples cannot be counted. Wrap the data set in RepeatDataset or '
                             'ConcatDataset only.')
        return labels
    steps = [step for step in steps_of(dataset.pipeline) if isinstance(step, (LabelLoader, LoadAnnotations))]
    infos = [dataset.get_data_info(index) for index in range(len(dataset))]
    if not steps or any('seg_map_path' not in info for info in infos):
        raise ValueError(f'{type(dataset).__name__} has no labels to count. Use a data set with `seg_map_path` in its '
                         '`data_prefix`, and LoadLabelIds in its pipeline.')
    return [_Label(info, steps) for info in infos]


def _count_all(labels: Sequence[_Label], num_classes: int, folder: Path, max_broken: int) -> np.ndarray:
    """Count all labels, each file once, and store what was counted."""
    keys = [label.key() for label in labels]
    different = dict(zip(keys, labels))
    names = sorted(different)
    name = sha256(json.dumps([_VERSION, num_classes, names]).encode()).hexdigest()[:32]
    file = folder / f'class_pixels_{name}.npz'
    stored = _read(file, len(names), num_classes)
    stamps = np.array([_stamp(different[key].path) for key in names], np.int64).reshape(len(names), 2)
    changed = np.flatnonzero((stamps != stored['stamps']).any(axis=1))
    broken = _count_changed([different[names[number]] for number in changed], changed, stored, num_classes, max_broken)
    if len(changed):
        stamps[broken] = 0  # they are read again next time
        stored['stamps'] = stamps
        _write(file, stored)
    row_of = {key: number for number, key in enumerate(names)}
    return stored['pixels'][[row_of[key] for key in keys]]


def _count_changed(labels: Sequence[_Label], rows: np.ndarray, stored: Dict[str, np.ndarray], num_classes: int,
                   max_broken: int) -> List[int]:
    """Count the labels whose content is new, and update their rows in place. Returns the rows of broken labels."""
    broken: Dict[int, str] = {}

    def count(label: _Label, row: int) -> None:
        try:
            digest = np.frombuffer(bytes.fromhex(file_digest(label.path)), np.uint8)
            if not np.array_equal(digest, stored['digests'][row]):
                stored['pixels'][row] = label.read(num_classes)
                stored['digests'][row] = digest
        except (OSError, SampleError) as error:
            stored['pixels'][row] = stored['digests'][row] = 0
            broken[row] = str(error)
            if max_broken == 0 and isinstance(error, SampleError):
                raise
            if len(broken) > max_broken:
                names = '\n  '.join(broken.values())
                raise SampleError(f'{len(broken)} broken labels (max_broken={max_broken}):\n  {names}') from error

    if not labels:
        return []
    progress = Progress('counting the classes in labels', len(labels))
    with ThreadPoolExecutor(_WORKERS) as pool:
        for done, _ in enumerate(pool.map(count, labels, rows.tolist()), 1):
            progress.update(done)
    for text in broken.values():
        MMLogger.get_current_instance().warning(f'Left out of rare class sampling, because its label is broken: {text}')
    return list(broken)


def _stamp(path: str) -> List[int]:
    """Return the size and the time of change of a file; what does not exist is found when it is read."""
    try:
        status = os.stat(path)
    except OSError:
        return [-1, -1]
    return [status.st_size, status.st_mtime_ns]


def _read(file: Path, count: int, num_classes: int) -> Dict[str, np.ndarray]:
    """Read a cache file; without one, or with a damaged one, nothing is known."""
    nothing: Dict[str, Any] = dict(
        stamps=np.zeros((count, 2), np.int64),
        digests=np.zeros((count, 32), np.uint8),
        pixels=np.zeros((count, num_classes), np.int64))
    try:
        with np.load(file) as content:
            stored: Dict[str, Any] = {name: content[name] for name in nothing}
    except FileNotFoundError:
        return nothing
    except Exception as error:  # the type of the exception depends on the damage
        MMLogger.get_current_instance().warning(f'{file} is damaged and is written again: {error}')
        return nothing
    return stored if all(stored[name].shape == value.shape for name, value in nothing.items()) else nothing


def _write(file: Path, content: Dict[str, np.ndarray]) -> None:
    """Write a cache file; without it, the next run counts again."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **content)  # type: ignore[arg-type]
    try:
        replace_file(file, buffer.getvalue())
    except OSError as error:
        MMLogger.get_current_instance().warning(f'The class statistics cannot be stored, so that every run counts them '
                                                f'again: {error}. Set `cache_dir`, or UDAS_CACHE_ROOT.')
