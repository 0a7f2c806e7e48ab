"""Endless training streams, which depend only on the seed and the position."""
from typing import Any, Dict, NamedTuple, Union

import numpy as np
from mmengine.logging import MMLogger
from mmseg.registry import DATASETS
from torch.utils.data import Dataset

from ..utils.randomness import seeded_rng
from .cache import Cache, cached
from .class_ids import check_class_ids
from .image_files import SampleError
from .orders import SAMPLING_ORDERS, SamplingOrder

_TRIES = 1000  # number of replacement samples to try


class StreamIndex(NamedTuple):
    """Seed and position of a sample in a stream."""
    seed: int
    position: int


@DATASETS.register_module()
class StreamDataset(Dataset):
    """A data set as an endless stream of training samples.

    The sample at a position depends only on (seed, branch, position): the sampling order chooses it, and all random
    decisions of the pipeline use generators that are seeded with these three. The stream is therefore the same for any
    number of workers and processes, and a run resumes by starting at another position. Use it with `PositionSampler`
    and `PositionTrainLoop`. Any MMSegmentation model can be trained on it.

    Args:
        dataset (dict | Dataset): Any map-style MMSegmentation data set, or its config.
        branch (str): Name that is used in the seeds, so that two streams over the same data set differ. Defaults to
            'source'.
        max_broken (int): Number of different samples that may be skipped because a file is damaged or a label does not
            match its image (`SampleError`). A skipped sample is named in the log and replaced by another one, which
            depends on the position. One more broken sample is an error. Samples are counted in each worker. Defaults
            to 0.
        order (dict | SamplingOrder, optional): The `SamplingOrder`, or its config. Defaults to `UniformOrder`: passes
            over the data set, each in a random order.
        cache (bool | dict, optional): True to decode and resize each image only once, or a dict of arguments of
            `CachedDataset`. The samples are the same. Defaults to None: no cache.

    Raises:
        ValueError: if the data set is empty or `max_broken` is negative; later, if a label has an id that is not a
            class.

    Example:
        >>> stream = StreamDataset(dict(type='GTA5Dataset', data_root='data/gta5', ...))
        >>> sample = stream[StreamIndex(seed=0, position=41)]
    """

    def __init__(self, dataset: Union[dict, Dataset], branch: str = 'source', max_broken: int = 0,
                 order: Union[dict, SamplingOrder, None] = None, cache: Cache = None) -> None:
        self.dataset = DATASETS.build(dataset) if isinstance(dataset, dict) else dataset
        self.branch = branch
        self.max_broken = max_broken
        self.broken: Dict[int, str] = {}
        if max_broken < 0:
            raise ValueError(f'max_broken={max_broken}: it must be 0 (stop at the first broken sample) or more.')
        if len(self.dataset) == 0:
            raise ValueError(f'the data set of branch {branch!r} is empty. Check its `data_prefix`, `img_suffix` and '
                             '`ann_file`.')
        self.dataset = cached(self.dataset, cache)
        # not for each sample: data sets copy their `metainfo`
        self._num_classes = len(getattr(self.dataset, 'metainfo', {}).get('classes') or ())
        self.order = order if isinstance(order, SamplingOrder) else SAMPLING_ORDERS.build(
            order or dict(type='UniformOrder'))
        self.order.max_broken = max_broken
        self.order.prepare(self.dataset)

    @property
    def metainfo(self) -> dict:
        """Meta information of the data set (classes, palette)."""
        return self.dataset.metainfo

    def __len__(self) -> int:
        """Return the number of samples in one pass; the stream itself is endless."""
        return len(self.dataset)

    def __getitem__(self, index: Union[StreamIndex, int]) -> Any:
        """Return the sample at a position; a plain integer means seed 0."""
        seed, position = index if isinstance(index, tuple) else (0, index)
        chosen = self.order.index(seed, self.branch, position, self.dataset)
        if not 0 <= chosen < len(self.dataset):
            raise ValueError(f'{type(self.order).__name__} chose sample {chosen} at position {position} of branch '
                             f'{self.branch!r}. Allowed are 0 to {len(self.dataset) - 1}: correct its `index`.')
        with seeded_rng(seed, self.branch, position):
            sample = self._load(chosen)
            for _ in range(self.order.tries - 1):
                if self.order.accepts(seed, self.branch, position, sample):
                    break
                sample = self._load(chosen)
            return sample

    def start_at(self, seed: int, position: int) -> None:
        """Choose the sample at a position before workers are forked: they then share what the order computed for it.

        Of `UniformOrder`, this is the order of the whole pass, 8 bytes a sample, which each worker would compute again.
        """
        self.order.index(seed, self.branch, position, self.dataset)

    def _load(self, chosen: int) -> Any:
        """Load a sample; a broken one is replaced if `max_broken` allows it."""
        for _ in range(_TRIES):
            try:
                return self._checked(self.dataset[chosen])
            except SampleError as error:
                self._count_broken(chosen, error)
                last = error
            chosen = int(np.random.randint(len(self.dataset)))
        raise SampleError(f'{_TRIES} samples of branch {self.branch!r} in a row were broken; the last: {last}')

    def _checked(self, sample: Any) -> Any:
        """Return the sample after checking that the ids of its label are classes."""
        packed = sample.get('data_samples') if isinstance(sample, dict) else None
        if packed is not None and self._num_classes and 'gt_sem_seg' in packed:
            path = packed.get('seg_map_path') or packed.get('img_path') or f'a label of branch {self.branch!r}'
            check_class_ids(packed.gt_sem_seg.data, self._num_classes, path)
        return sample

    def _count_broken(self, chosen: int, error: SampleError) -> None:
        # a damaged image of another domain occurs in many samples, but is counted only once
        if chosen in self.broken or str(error) in self.broken.values():
            return
        if len(self.broken) >= min(self.max_broken, len(self.dataset) - 1):
            if self.max_broken == 0:
                raise error
            names = '\n  '.join([*self.broken.values(), str(error)])
            raise SampleError(f'{len(self.broken) + 1} broken samples in branch {self.branch!r} '
                              f'(max_broken={self.max_broken}):\n  {names}') from error
        self.broken[chosen] = str(error)
        MMLogger.get_current_instance().warning(
            f'Skipped broken sample {len(self.broken)} of at most {self.max_broken}: {error}')
