"""Deciding whether a student is worse than its teacher, by their scores."""
from typing import Dict, List, Mapping, NamedTuple, Sequence

import numpy as np

_FEWEST_PIXELS = 0.001  # a class with a smaller share of the labelled pixels is too rare to decide by
_HAS_CLASS = 0.005  # share of predicted pixels from which a class is watched
_GONE = 0.1  # a class disappears if less than this part of its share is left
_GROWN = 2.0  # and grows suspiciously if its share is multiplied by more than this


class Scores(NamedTuple):
    """Scores of a model in percent.

    Attributes:
        mIoU: Mean over the styles of the images of the mean IoU over the classes.
        classes: Class -> IoU, as mean over the styles. Classes that are too rare in the labels are left out.
        styles: Style -> mean IoU over the classes; empty if the images have only one.
    """
    mIoU: float  # noqa: N815, the name of the field
    classes: Dict[str, float]
    styles: Dict[str, float]


def scores_of(confusions: np.ndarray, classes: Sequence[str], styles: Sequence[str]) -> Scores:
    """Compute scores over the classes that occur in the labels.

    Args:
        confusions (np.ndarray): (S, C, C) int64, numbers of pixels by style, class of the label and predicted class.
        classes (Sequence[str]): Names of the C classes.
        styles (Sequence[str]): Names of the S styles.

    Raises:
        ValueError: if no pixel has a label.
    """
    truth = confusions.sum(axis=2)
    occurs = truth[0] > 0
    if not occurs.any():
        raise ValueError(f'no pixel of the labels has one of the classes {tuple(classes)}. Check `label_map`.')
    hits = np.diagonal(confusions, axis1=1, axis2=2)
    iou = 100 * hits[:, occurs] / (truth + confusions.sum(axis=1) - hits)[:, occurs]
    is_common = truth[0][occurs] >= _FEWEST_PIXELS * truth[0].sum()
    names = [name for name, found in zip(classes, occurs) if found]
    means = zip(names, iou.mean(axis=0), is_common)
    by_class = {name: round(float(value), 2) for name, value, common in means if common}
    by_style = {name: round(float(value), 2) for name, value in zip(styles, iou.mean(axis=1))}
    return Scores(round(float(iou.mean()), 2), by_class, by_style)


def reasons_to_keep_teacher(teacher: Scores, student: Scores, tolerance: float, class_drop: float) -> List[str]:
    """Explain why a student is worse than its teacher.

    It is worse if its mean IoU is lower by more than `tolerance`, or if a single class collapses: its IoU is lower by
    more than `class_drop`, and less than half of the teacher's.

    Args:
        teacher (Scores): Scores of the teacher.
        student (Scores): Scores of the student on the same images.
        tolerance (float): In percentage points.
        class_drop (float): In percentage points.

    Returns:
        list[str]: A line for each reason; empty if the student is not worse.
    """
    reasons = []
    if not student.mIoU >= teacher.mIoU - tolerance:  # also if it is not a number
        reasons.append(f'mIoU {student.mIoU:.1f} instead of {teacher.mIoU:.1f}, which is lower by more than '
                       f'tolerance={tolerance:g}')
    for name, before in teacher.classes.items():
        now = student.classes.get(name, 0.0)
        if now < before - class_drop and 2 * now < before:
            reasons.append(f'IoU of {name} {now:.1f} instead of {before:.1f}: lower by more than '
                           f'class_drop={class_drop:g}, and less than half')
    return reasons


def share_warnings(teacher: Mapping[str, float], student: Mapping[str, float]) -> List[str]:
    """Describe classes that nearly disappear from the predictions, or whose share more than doubles.

    Args:
        teacher (Mapping[str, float]): Class -> share of the pixels that the teacher predicts, in [0, 1].
        student (Mapping[str, float]): The same of the student, on the same images.
    """
    lines = []
    for name, before in teacher.items():
        now = student.get(name, 0.0)
        if before >= _HAS_CLASS and now < _GONE * before:
            lines.append(f'{name} nearly disappears from the predictions: {100 * before:.1f} % -> {100 * now:.1f} %')
        elif now >= _HAS_CLASS and now > _GROWN * before:
            lines.append(f'the share of {name} in the predictions more than doubles: {100 * before:.1f} % -> '
                         f'{100 * now:.1f} %')
    return lines
