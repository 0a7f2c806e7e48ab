"""Choosing some of many samples."""
from typing import List

import numpy as np


def spread_evenly(length: int, count: int, with_last: bool = False) -> List[int]:
    """Indices at even distances.

    Args:
        length (int): Number of samples, 1 or more.
        count (int): Number of indices to choose; all are chosen if there are no more samples.
        with_last (bool): Whether the last sample is always among them. Defaults to False: sample `i` of `count` stands
            for the `i`-th of `count` equal parts, and is the first of its part.

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
