"""The check that the ids of a label are classes."""
from typing import Union

import numpy as np
from torch import Tensor

from .label_fit import fitting_maps
from .label_maps import IGNORE


class ClassIdError(ValueError):
    """A label has an id that is not a class."""


def check_class_ids(label: Union[Tensor, np.ndarray], num_classes: int, path: str, ignore: int = IGNORE) -> None:
    """Check that every id of a label is a class or ignored.

    Losses stop at other ids without naming the file, and metrics leave their pixels out without a word.

    Args:
        label (Tensor | np.ndarray): Ids, any shape and integer type.
        num_classes (int): Number of classes C.
        path (str): Path of the label, for the message.
        ignore (int): Id that is ignored. Defaults to 255.

    Raises:
        ClassIdError: if there is another id than 0 to C-1 and `ignore`; the message proposes a built-in map that
            contains all ids.
    """
    ids = label.cpu().numpy() if isinstance(label, Tensor) else label
    # without their sign, negative ids are large; NumPy needs a fifth of torch's time on a CPU
    wrong = (ids.view(f'u{ids.itemsize}') >= num_classes) & (ids != ignore)
    if wrong.any():
        known = ids[ids != ignore].astype(np.int64)
        # ids of a metric may be negative or large
        fits = '' if known.min() < 0 or known.max() > 65535 else fitting_maps(
            np.bincount(known, minlength=65536), num_classes)
        raise ClassIdError(f'{path} has the ids {np.unique(ids[wrong]).tolist()}, {int(wrong.sum())} pixels, but there '
                           f'are {num_classes} classes: allowed are 0-{num_classes - 1} and {ignore}. Map the ids with '
                           f'the `label_map` of the data set or of LoadLabelIds.{fits}')
