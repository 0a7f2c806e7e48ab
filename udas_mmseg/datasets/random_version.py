"""One of several versions of the same images, drawn for each sample."""
from typing import Any, List, Optional, Sequence, Union

import numpy as np
from mmseg.registry import DATASETS
from torch.utils.data import Dataset

from .translated import original_path


@DATASETS.register_module()
class RandomVersionDataset(Dataset):
    """Draws for each sample which version of it is loaded, such as {CycleGAN, Lab statistics, Fourier amplitudes, raw}.

    The versions are data sets of the same images, in the same order, and each loads and changes them in its own way.
    Every image is thus seen in all styles, and the artefacts of one translator cannot be learnt as features of a class.
    The version is drawn with NumPy's global generator at each access. Inside a `StreamDataset` or `DomainPairDataset`,
    it therefore depends only on the seed and the position.

    Args:
        datasets (Sequence[dict | Dataset]): The versions. The first one gives the meta information.
        weights (Sequence[float], optional): Relative frequency of each version, 0 or more. Defaults to None: all are
            equally frequent.

    Raises:
        ValueError: if there is no version, they differ in length, classes or images, or the weights are not allowed.

    Example:
        >>> raw = dict(type='GTA5Dataset', pipeline=[*load, *augment], ...)
        >>> source = dict(
        ...     type='RandomVersionDataset', weights=[2, 1, 1],
        ...     datasets=[dict(raw, translated_root='data/gta5_cyclegan'), raw,
        ...               dict(type='DomainMixDataset', dataset=dict(raw, pipeline=load), target=...,
        ...                    pipeline=[dict(type='LabStatisticsTransfer'), *augment])])
    """

    def __init__(self, datasets: Sequence[Union[dict, Dataset]], weights: Optional[Sequence[float]] = None) -> None:
        if not datasets:
            raise ValueError('RandomVersionDataset: `datasets` is empty. Give at least one version of the images.')
        self.datasets: List[Any] = [DATASETS.build(part) if isinstance(part, dict) else part for part in datasets]
        given = np.ones(len(self.datasets)) if weights is None else np.asarray(weights, np.float64)
        if given.shape != (len(self.datasets), ) or not (given >= 0).all() or not 0 < given.sum() < np.inf:
            raise ValueError(f'RandomVersionDataset: weights={weights!r} for {len(self.datasets)} versions. Give a '
                             'number from 0 for each, not all 0.')
        self.shares = given / given.sum()
        self._compare()

    def _compare(self) -> None:
        """Check that the versions have the same images and classes."""
        lengths = [len(part) for part in self.datasets]
        classes = [tuple(part.metainfo.get('classes') or ()) for part in self.datasets]
        for name, values in (('numbers of images', lengths), ('classes', classes)):
            if len({*values}) > 1:
                raise ValueError(f'RandomVersionDataset: the versions have different {name}: {values}. All must be '
                                 'the same images, in the same order.')
        for index in {0, lengths[0] - 1} if lengths[0] else ():
            images = [original_path(part.get_data_info(index)) for part in self.datasets]
            if len({*images}) > 1:
                raise ValueError(f'RandomVersionDataset: image {index} of the versions differs: {images}. All must be '
                                 'the same images, in the same order.')

    @property
    def metainfo(self) -> dict:
        """Meta information of the first version (classes, palette)."""
        return self.datasets[0].metainfo

    def full_init(self) -> None:
        """Initialise all versions. MMEngine's wrappers (`RepeatDataset`, `ConcatDataset`) call this method."""
        for part in self.datasets:
            if hasattr(part, 'full_init'):
                part.full_init()

    def get_data_info(self, index: int) -> dict:
        """Return the data information of a sample of the first version, before loading it."""
        return self.datasets[0].get_data_info(index)

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.datasets[0])

    def __getitem__(self, index: int) -> Any:
        """Return sample `index` of a version that is drawn."""
        return self.datasets[int(np.random.choice(len(self.datasets), p=self.shares))][index]
