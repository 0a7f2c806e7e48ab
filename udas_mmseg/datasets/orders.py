"""Sampling orders: which sample of a data set a stream has at which position."""
from functools import lru_cache

import numpy as np
from mmengine.registry import Registry
from torch.utils.data import Dataset

from ..utils.randomness import key_generator

SAMPLING_ORDERS = Registry('sampling order', scope='mmseg', locations=['udas_mmseg.datasets.orders'])


class SamplingOrder:
    """The order in which a `StreamDataset` visits its data set.

    `index` is a pure function of its arguments and of what `prepare` found in the data set: it returns the same
    number in every process and worker, whatever was asked before. A run can then be resumed at any position. Random
    draws come from `key_generator(seed, branch, <a name of the order>, ...)`, never from the global generators.

    Example:
        >>> @SAMPLING_ORDERS.register_module()
        ... class FirstHalfOrder(SamplingOrder):
        ...     def index(self, seed, branch, position, dataset):
        ...         generator = key_generator(seed, branch, 'first_half', position)
        ...         return int(generator.integers((len(dataset) + 1) // 2))
    """

    def prepare(self, dataset: Dataset) -> None:
        """Look through the data set once, when the stream is built, before any worker starts; does nothing here.

        For what an order needs to know about the samples, such as the number of pixels of each class.
        `dataset.get_data_info(index)` has the paths of an image and its label (`img_path`, `seg_map_path`). Each
        process of a distributed run calls `prepare`, and so do the tools that look at a config: store the result of
        slow work in a file, and read it the next time.

        Args:
            dataset (Dataset): The data set of the stream, which may wrap others.
        """

    def index(self, seed: int, branch: str, position: int, dataset: Dataset) -> int:
        """The sample at a position.

        Args:
            seed (int): Seed of the stream, 0 or more.
            branch (str): Name of the stream; streams of one seed differ by it.
            position (int): 0 or more.
            dataset (Dataset): The data set that `prepare` was given.

        Returns:
            int: Index in {0..len(dataset)-1}.
        """
        raise NotImplementedError


@lru_cache(maxsize=8)  # one entry a branch serves a whole pass
def pass_permutation(seed: int, branch: str, number: int, length: int) -> np.ndarray:
    """The order in which pass `number` visits a data set: (length,) int64, the same in every process."""
    return key_generator(seed, branch, 'pass', number).permutation(length)


@SAMPLING_ORDERS.register_module()
class UniformOrder(SamplingOrder):
    """Passes over the data set, each of which visits every sample once, in another random order."""

    def index(self, seed: int, branch: str, position: int, dataset: Dataset) -> int:
        """Entry `position % n` of the permutation of pass `position // n`, for `n` samples."""
        length = len(dataset)
        number, offset = divmod(position, length)
        return int(pass_permutation(seed, branch, number, length)[offset])
