"""Repeating a small data set to a given length."""
from typing import Any

from mmengine.dataset import RepeatDataset
from mmseg.registry import DATASETS


@DATASETS.register_module()
class RepeatToLengthDataset(RepeatDataset):
    """MMEngine's `RepeatDataset` with a number of samples instead of a number of repetitions.

    In a `ConcatDataset` with another data set of the same length, each of the two gives half of the samples on average,
    for any size of the repeated data set, such as a label budget.

    Args:
        dataset (BaseDataset | dict): The data set to repeat.
        length (int): Number of samples. The last repetition may be incomplete.
        lazy_init (bool): As in MMEngine. Defaults to False.

    Raises:
        ValueError: if the data set has more than `length` samples.
    """

    def __init__(self, dataset: Any, length: int, lazy_init: bool = False) -> None:
        self.length = length
        super().__init__(dataset, times=1, lazy_init=lazy_init)

    def full_init(self) -> None:
        """Initialise the data set.

        Raises:
            ValueError: if it has more than `length` samples.
        """
        super().full_init()
        if self._ori_len > self.length:
            raise ValueError(f'length={self.length}, but the data set has {self._ori_len} samples, of which some would '
                             'never be used. Set length to at least that number.')

    def __len__(self) -> int:
        return self.length
