"""Samples of one domain, each combined with a random sample of another domain."""
from typing import Any, Sequence, Union

import numpy as np
from mmengine.dataset import Compose
from mmseg.registry import DATASETS
from torch.utils.data import Dataset

from .class_ids import check_class_ids
from .pipelines import unpacked

_EMPTY = ('`target` of DomainMixDataset is empty. Check its `data_prefix`, `img_suffix` and `ann_file`. Without '
          'labelled target images, train without mixing: use `dataset` itself as the source, as in '
          'configs/udas/gta2cs_uda.py.')


@DATASETS.register_module()
class DomainMixDataset(Dataset):
    """Passes each sample of a data set, together with a random sample of another domain, through a pipeline.

    Use it for transforms that change a source image with the help of a target image, such as
    `FourierAmplitudeTransfer`, or that mix it with a labelled target image, such as `DomainCutMix`. They read the
    target sample from `results['mix_results'][0]`, the key of MMSegmentation's `MultiImageMixDataset`. The target
    sample is drawn with NumPy's global generator at each access. Inside a `StreamDataset` or `DomainPairDataset`, it
    therefore depends only on the seed and the position.

    Args:
        dataset (dict | Dataset): Data set of the samples. Its own pipeline must load them and may resize them, but
            must not pack them. Its length and meta information are used.
        target (dict | Dataset): Data set of the target samples, with the same kind of pipeline. The labels of the
            target can be used if this data set loads them.
        pipeline (Sequence[dict | Callable]): Transforms of a sample with its target sample, usually with
            `PackSegInputs` at the end.

    Raises:
        ValueError: if the target is empty, if both data sets have classes and they differ, if they ignore different
            ids, if a sample is already packed, or if a label has ids that are not a class.

    Example:
        >>> load = [dict(type='LoadVerifiedImage')]
        >>> source = dict(
        ...     type='DomainMixDataset',
        ...     dataset=dict(type='GTA5Dataset', pipeline=[*load, dict(type='LoadLabelIds')], ...),
        ...     target=dict(type='CityscapesDataset', pipeline=load, ...),
        ...     pipeline=[dict(type='FourierAmplitudeTransfer', beta=0.01), dict(type='PackSegInputs')])
        >>> stream = StreamDataset(source)
    """

    def __init__(self, dataset: Union[dict, Dataset], target: Union[dict, Dataset], pipeline: Sequence[Any]) -> None:
        self.dataset = DATASETS.build(dataset) if isinstance(dataset, dict) else dataset
        self.target = _build_target(target) if isinstance(target, dict) else target
        self.pipeline = Compose(pipeline)
        if len(self.target) == 0:
            raise ValueError(_EMPTY)
        self._compare_classes()
        self._num_classes = len(self.metainfo.get('classes') or ())

    def _compare_classes(self) -> None:
        parts = (self.dataset, self.target)
        ours, theirs = (tuple(getattr(part, 'metainfo', {}).get('classes') or ()) for part in parts)
        if ours and theirs and ours != theirs:
            raise ValueError(f'the data sets of DomainMixDataset have different classes. dataset: {ours}; target: '
                             f'{theirs}. Give them the same `metainfo.classes`, and map their labels with '
                             '`label_map`.')
        ignored = [getattr(part, 'ignore_index', None) for part in parts]
        if None not in ignored and ignored[0] != ignored[1]:
            raise ValueError(f'the data sets of DomainMixDataset have different ignore_index. dataset: {ignored[0]}; '
                             f'target: {ignored[1]}. Set both to the same value.')

    @property
    def metainfo(self) -> dict:
        """Meta information of `dataset` (classes, palette)."""
        return self.dataset.metainfo

    def full_init(self) -> None:
        """Initialise both data sets. MMEngine's wrappers (`RepeatDataset`, `ConcatDataset`) call this method."""
        for part in (self.dataset, self.target):
            if hasattr(part, 'full_init'):
                part.full_init()

    def get_data_info(self, index: int) -> dict:
        """Return the data information of a sample of `dataset`, before loading it."""
        return self.dataset.get_data_info(index)

    def __len__(self) -> int:
        """Return the number of samples of `dataset`."""
        return len(self.dataset)

    def __getitem__(self, index: int) -> Any:
        """Pass sample `index` of `dataset` and a random sample of `target` through the pipeline."""
        partner = int(np.random.randint(len(self.target)))
        results = {**_unpacked(self.dataset[index], 'dataset')}
        results['mix_results'] = [_unpacked(self.target[partner], 'target')]
        self._check_ids(results, 'dataset')
        self._check_ids(results['mix_results'][0], 'target')
        return self.pipeline(results)

    def _check_ids(self, sample: dict, role: str) -> None:
        """Check the ids of a label before it is mixed, when its path is still known."""
        if 'gt_seg_map' in sample and self._num_classes:
            path = sample.get('seg_map_path', 'a label')
            check_class_ids(sample['gt_seg_map'], self._num_classes, f'{path}, of `{role}` of DomainMixDataset,')


def _build_target(config: dict) -> Dataset:
    try:
        return DATASETS.build(config)
    except ValueError as error:
        if 'need at least one array' in str(error):  # MMEngine cannot serialize an empty list
            raise ValueError(_EMPTY) from error
        raise


def _unpacked(sample: Any, role: str) -> dict:
    return unpacked(sample, 'DomainMixDataset', role, "DomainMixDataset's own `pipeline`")
