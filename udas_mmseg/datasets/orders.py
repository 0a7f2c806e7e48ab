"""Sampling orders, which choose the sample of a data set at each position of a stream."""
from functools import lru_cache
from typing import Any

import numpy as np
from mmengine.registry import Registry
from torch.utils.data import Dataset

from ..utils.randomness import key_generator

SAMPLING_ORDERS = Registry('sampling order', scope='mmseg', locations=['udas_mmseg.datasets.orders'])


class SamplingOrder:
    """The order in which a `StreamDataset` visits its data set.

    The result of `index` may depend only on its arguments and on the results of `prepare`. It must be the same in every
    process and worker, whatever the earlier calls were, so that a run can be resumed at any position. Random numbers
    must come from `key_generator(seed, branch, <a name of the order>, ...)`, and never from the global generators.

    Example:
        >>> @SAMPLING_ORDERS.register_module()
        ... class FirstHalfOrder(SamplingOrder):
        ...     def index(self, seed, branch, position, dataset):
        ...         generator = key_generator(seed, branch, 'first_half', position)
        ...         return int(generator.integers((len(dataset) + 1) // 2))
    """

    tries = 1  # how often a sample is loaded at most, until `accepts` accepts it
    max_broken = 0  # that of the stream, set before `prepare`: number of broken samples that `prepare` may leave out

    def prepare(self, dataset: Dataset) -> None:
        """Prepare for a data set once, when the stream is built, before any worker starts. The default does nothing.

        Use it to collect information about the samples, such as the number of pixels of each class.
        `dataset.get_data_info(index)` has the paths of an image and its label (`img_path`, `seg_map_path`). Each
        process of a distributed run calls `prepare`, and so do tools that inspect a config. Store the result of slow
        work in a file, and read it the next time.

        Args:
            dataset (Dataset): The data set of the stream, which may wrap others.
        """

    def index(self, seed: int, branch: str, position: int, dataset: Dataset) -> int:
        """Return the index of the sample at a position.

        Args:
            seed (int): Seed of the stream, 0 or more.
            branch (str): Name of the stream; streams with the same seed and different names differ.
            position (int): Position in the stream, 0 or more.
            dataset (Dataset): The data set that was passed to `prepare`.

        Returns:
            int: Index in {0..len(dataset)-1}.
        """
        raise NotImplementedError

    def accepts(self, seed: int, branch: str, position: int, sample: Any) -> bool:
        """Whether the random decisions of the pipeline, such as a crop, have given a sample that can be used.

        If not, the pipeline is applied to the same image again, with other random numbers, up to `tries` times in all;
        the last result is used in any case. The default accepts everything. Like `index`, the answer may depend only on
        the arguments and on the results of `prepare`.

        Args:
            seed (int): Seed of the stream.
            branch (str): Name of the stream.
            position (int): Position in the stream.
            sample (Any): The loaded sample, usually with `inputs` and `data_samples`.
        """
        return True


@lru_cache(maxsize=8)  # each branch needs one entry for a whole pass
def pass_permutation(seed: int, branch: str, number: int, length: int) -> np.ndarray:
    """Return the order in which pass `number` visits a data set: (length,) int64, the same in every process."""
    return key_generator(seed, branch, 'pass', number).permutation(length)


@SAMPLING_ORDERS.register_module()
class UniformOrder(SamplingOrder):
    """Repeated passes over the data set; each visits every sample once, in a new random order."""

    def index(self, seed: int, branch: str, position: int, dataset: Dataset) -> int:
        """Return entry `position % n` of the permutation of pass `position // n`, for `n` samples."""
        length = len(dataset)
        number, offset = divmod(position, length)
        return int(pass_permutation(seed, branch, number, length)[offset])
