"""Choosing a few of many samples."""
from typing import List

import numpy as np


def spread_evenly(length: int, count: int, with_last: bool = False) -> List[int]:
    """Choose evenly spaced indices.

    Args:
        length (int): Number of samples, 1 or more.
        count (int): Number of indices to choose; if there are not more samples, all are chosen.
        with_last (bool): Whether the last sample is always chosen. Defaults to False: the samples are divided into
            `count` equal parts, and the first sample of each part is chosen.

    Returns:
        list[int]: Increasing indices in {0..length-1}, the first one 0.

    Example:
        >>> spread_evenly(9, 3), spread_evenly(9, 3, with_last=True)
        ([0, 3, 6], [0, 4, 8])
    """
    count = min(count, length)
    if with_last:
        return [round(position) for position in np.linspace(0, length - 1, count).tolist()]
    return [number * length // count for number in range(count)]
