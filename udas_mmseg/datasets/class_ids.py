"""The check that the ids of a label are classes."""
from torch import Tensor

from .label_maps import IGNORE


def check_class_ids(label: Tensor, num_classes: int, path: str, ignore: int = IGNORE) -> None:
    """Check that every id of a label is a class or ignored.

    Losses stop at other ids without naming the file, and metrics leave their pixels out without a word.

    Args:
        label (Tensor): Ids, any shape and integer type.
        num_classes (int): Number of classes C.
        path (str): Path of the label, for the message.
        ignore (int): Id that is ignored. Defaults to 255.

    Raises:
        ValueError: if there is another id than 0 to C-1 and `ignore`.
    """
    wrong = ((label < 0) | (label >= num_classes)) & (label != ignore)
    if wrong.any():
        ids = label[wrong].unique().tolist()
        raise ValueError(f'{path} has the ids {ids}, {int(wrong.sum())} pixels, but there are {num_classes} classes: '
                         f'allowed are 0-{num_classes - 1} and {ignore}. Map the ids with the `label_map` of the data '
                         'set or of LoadLabelIds.')
