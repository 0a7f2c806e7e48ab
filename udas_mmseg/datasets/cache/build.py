"""Building the cache of a data set: what is missing in it is read by worker processes and added to its files."""
import errno
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator, List, Mapping, NamedTuple, Optional, Sequence

import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.logging import MMLogger, print_log
from torch import Generator
from torch.utils.data import DataLoader, Dataset

from ...utils.files import replace_file, to_json
from ...utils.indices import spread_evenly
from ...utils.messages import last_message, log_once
from ...utils.progress import Progress
from ..image_files import SampleError
from ..translated import first_names
from .pack import DATA, CacheError, Pack, PackBusyError, PackWriter, encode
from .steps import missing_file, run_steps, sample_key

ABOUT = 'about.json'
_WORKERS = 4
_FEW = 32  # samples that are read without workers
_MEASURED = 8  # samples whose sizes give an estimate of the size of all
_GB = 1e9


class Packed(NamedTuple):
    """A sample that was read for the cache."""
    key: int
    files: int
    record: np.ndarray
    broken: str  # why it cannot be read; '' if it can


@dataclass(frozen=True)
class SampleReader(Dataset):
    """Reads samples of a data set with the first steps of its pipeline, as records of a pack.

    Args:
        dataset (BaseDataset): The data set.
        steps (Sequence): The steps.
        indices (np.ndarray): (N, ) indices of the samples.
    """
    dataset: BaseDataset
    steps: Sequence[Any]
    indices: np.ndarray

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.indices)

    def __getitem__(self, number: int) -> Packed:
        """Read a sample.

        Raises:
            CacheError: if its result cannot be stored, or a file is not on this machine.
        """
        info = self.dataset.get_data_info(int(self.indices[number]))
        remote = missing_file(info, self.steps)
        key, files = sample_key(info, self.steps)
        try:
            values = run_steps(self.steps, info)
        except SampleError as error:
            return Packed(key, files, np.zeros(0, np.uint8), str(error))
        if remote:
            raise CacheError(f'{remote} was read, but is no file on this machine, so a change of it would not be '
                             'noticed. Copy the data to this machine, or train without `cache`.')
        try:
            return Packed(key, files, encode(values), '')
        except TypeError as error:
            raise CacheError(f'{type(self.dataset).__name__} cannot be cached: the entry {error} after the steps '
                             f'{[type(step).__name__ for step in self.steps]}.') from error


class CacheBuild:
    """Adds the samples of a data set that are missing in a pack.

    Args:
        dataset (BaseDataset): The data set, whose pipeline is not changed yet.
        steps (Sequence): Its first steps.
        folder (Path): Folder of the pack.
        facts (Mapping): Description of the pack for people, which is written beside it.

    Example:
        >>> build = CacheBuild(dataset, steps, folder, facts)
        >>> while not build.run(60):
        ...     pass
    """

    def __init__(self, dataset: BaseDataset, steps: Sequence[Any], folder: Path, facts: Mapping[str, Any]) -> None:
        self.dataset, self.steps, self.folder, self.facts = dataset, steps, folder, facts
        self.name = type(dataset).__name__
        self.broken: List[str] = []
        self._writer: Optional[PackWriter] = None
        self._samples: Iterator[Packed] = iter(())
        self._keys = self._all_keys()

    def _all_keys(self) -> np.ndarray:
        keys = np.empty(len(self.dataset), np.uint64)
        progress = Progress(f'cache of {self.name}: looking for changed images', len(keys))
        for index in range(len(keys)):
            progress.show(index)
            try:
                keys[index] = sample_key(self.dataset.get_data_info(index), self.steps).content
            except TypeError as error:
                raise CacheError(f'{self.name} cannot be cached: its data information has {error}.') from error
        if progress.shown:
            progress.finish(len(keys))
        return keys

    def run(self, seconds: float) -> bool:
        """Build for some time; whether the cache is complete.

        Raises:
            CacheError: if the folder cannot be written, there is not enough room, its files are damaged, or samples
                cannot be cached.
        """
        until = time.monotonic() + seconds
        try:
            if self._writer is None and not self._begin():
                time.sleep(min(seconds, 1))
                return False
            for sample in self._samples:
                self._add(sample)
                if time.monotonic() > until:
                    self._save()
                    return False
            self._finish()
        except BaseException as error:
            if self._writer is not None:
                self._writer.close()
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise CacheError(f'the disk of {self.folder} is full. Free some space, or set `cache_dir` of the cache '
                                 'to a folder on another disk. The next run continues with what is there.') from error
            raise
        return True

    def _begin(self) -> bool:
        """Start to read what is missing; False if another process builds the same cache."""
        if not self._missing(Pack(self.folder).keys).size:
            return True
        try:
            self._writer = PackWriter(self.folder)
            replace_file(self.folder / ABOUT, to_json(self.facts))
        except PackBusyError as error:
            log_once(f'{error}. This run waits for it.')
            return False
        except OSError as error:
            raise CacheError(f'cache_dir: {self.folder} cannot be written: {error}. Set `cache_dir` of the cache, or '
                             'UDAS_CACHE_ROOT, to a folder on a local disk where you may write.') from error
        missing = self._missing(self._writer.keys)
        if missing.size:
            self._check_room(missing)
            self._samples = self._read(missing)
        return True

    def _missing(self, stored: np.ndarray) -> np.ndarray:
        """Return the indices of samples that are not stored, each content once."""
        keys, first = np.unique(self._keys, return_index=True)
        return np.sort(first[~np.isin(keys, stored)])

    def _check_room(self, missing: np.ndarray) -> None:
        """Compare the room that is needed with what is free, by the size of a few samples, which are read twice."""
        few = missing[spread_evenly(len(missing), _MEASURED, True)]
        once, twice = ([sample for sample in _samples_of(SampleReader(self.dataset, self.steps, few))]
                       for _ in range(2))
        for index, first, second in zip(few, once, twice):
            if not np.array_equal(first.record, second.record):
                path = self.dataset.get_data_info(int(index)).get('img_path')
                raise CacheError(f'{self.name} cannot be cached: its steps '
                                 f'{[type(step).__name__ for step in self.steps]} give another result for {path} each '
                                 'time. Remove steps from `also` of the cache.')
        sizes = [len(sample.record) for sample in once if not sample.broken]
        needed = len(missing) * float(np.mean(sizes)) if sizes else 0.
        free = shutil.disk_usage(self.folder).free
        text = f'{len(missing)} of {len(self.dataset)} samples'
        if needed > free:
            raise CacheError(f'the cache of {self.name} needs about {needed / _GB:.2f} GB in {self.folder} for {text}, '
                             f'but {free / _GB:.2f} GB are free. Free some space, set `cache_dir` of the cache to a '
                             'folder on another disk, or train without `cache`.')
        print_log(f'cache of {self.name}: writing {text}, about {needed / _GB:.2f} GB, to {self.folder}.', 'current')

    def _read(self, missing: np.ndarray) -> Iterator[Packed]:
        progress = Progress(f'cache of {self.name}', len(missing), unit='samples')
        for number, sample in enumerate(_samples_of(SampleReader(self.dataset, self.steps, missing)), 1):
            yield sample
            progress.update(number)

    def _add(self, sample: Packed) -> None:
        assert self._writer is not None
        if sample.broken:
            self.broken.append(sample.broken)
        else:
            self._writer.add(sample.key, sample.files, sample.record)

    def _save(self) -> None:
        assert self._writer is not None
        self._writer.save()

    def _finish(self) -> None:
        if self._writer is not None:
            self._writer.save()
            self._writer.close()
            self._writer = None
        if self.broken:
            MMLogger.get_current_instance().warning(
                f'cache of {self.name}: {len(self.broken)} samples are broken and not in the cache: '
                f'{first_names(self.broken)}')
        size = os.path.getsize(self.folder / DATA) if (self.folder / DATA).exists() else 0
        print_log(f'cache of {self.name}: {len(self._keys) - len(self.broken)} of {len(self._keys)} samples in '
                  f'{self.folder} ({size / _GB:.2f} GB).', 'current')

    def some_keys(self) -> List[int]:
        """Return the keys of a few stored samples, which every machine must find."""
        stored = self._keys[np.isin(self._keys, Pack(self.folder).keys)]
        return [int(stored[index]) for index in spread_evenly(len(stored), _MEASURED)] if stored.size else []


def _samples_of(reader: SampleReader) -> Iterator[Packed]:
    """Iterate over the samples of a reader, in their order. The random generators of this process are not used."""
    workers = 0 if len(reader) <= _FEW else min(_WORKERS, os.cpu_count() or 1)
    loader = DataLoader(reader, batch_size=None, num_workers=workers, collate_fn=_as_it_is, generator=Generator(),
                        persistent_workers=False)
    try:
        yield from loader
    except (OSError, ValueError) as error:  # of a worker, with its traceback
        raise type(error)(last_message(error)) from None


def _as_it_is(sample: Packed) -> Packed:
    return sample
