"""Deciding between a student and its teacher."""
import math

import numpy as np
import pytest

from udas_mmseg.datasets.transforms.style_transfer import lab_statistics_transfer
from udas_mmseg.evaluation.label_free import confusion
from udas_mmseg.evaluation.selection import Scores, reasons_to_keep_teacher, scores_of, share_warnings
from udas_mmseg.evaluation.styles import apply_styles, count_references, number_names
from udas_mmseg.evaluation.validation import validation_scores

CLASSES = ('road', 'car', 'sky')


def scores(mean: float, **classes: float) -> Scores:
    return Scores(mean, classes, {})


def test_scores_are_means_over_styles_and_the_classes_of_the_labels() -> None:
    perfect = np.diag([60, 40, 0])
    half = np.array([[30, 0, 30], [0, 40, 0], [0, 0, 0]])  # half of the road is taken for sky, which is not there
    found = scores_of(np.stack([perfect, half]), CLASSES, ('raw', 'dark'))
    assert found.styles == dict(raw=100, dark=75)
    assert found == Scores(87.5, dict(road=75, car=100), found.styles)


def test_rare_classes_count_in_the_mean_but_do_not_decide_alone() -> None:
    found = scores_of(np.diag([99_950, 50, 0])[None], CLASSES, ('raw', ))
    assert found.mIoU == 100 and found.classes == dict(road=100)
    with pytest.raises(ValueError, match=r'no pixel of the labels has one of the classes'):
        scores_of(np.zeros((1, 3, 3), np.int64), CLASSES, ('raw', ))


@pytest.mark.parametrize(('student', 'number'), [
    (scores(50, road=60, car=40), 0),
    (scores(49, road=60, car=40), 0),
    (scores(48.9, road=60, car=40), 1),
    (scores(math.nan, road=60, car=40), 1),
    (scores(60, road=90, car=19), 1),
    (scores(60, road=90, car=21), 0),  # more than ten points, but not less than half
    (scores(60, road=90), 1),
    (scores(20, road=10, car=10), 3),
])
def test_a_lower_mean_or_a_collapsed_class_keeps_the_teacher(student: Scores, number: int) -> None:
    assert len(reasons_to_keep_teacher(scores(50, road=60, car=40), student, 1, 10)) == number


def test_a_class_with_low_iou_does_not_collapse() -> None:
    assert reasons_to_keep_teacher(scores(50, car=9), scores(50, car=0), 1, 10) == []
    reason, = reasons_to_keep_teacher(scores(50, car=11), scores(50, car=0), 1, 10)
    assert reason == 'IoU of car 0.0 instead of 11.0: lower by more than class_drop=10, and less than half'


def test_classes_that_disappear_or_double_are_warnings() -> None:
    before, after = dict(road=0.5, car=0.1, sky=0.001, pole=0.01), dict(road=0.6, car=0.005, sky=0.3, pole=0.019)
    lines = share_warnings(before, after)
    assert [line.split(' in the')[0].split(' from')[0] for line in lines] == ['car nearly disappears',
                                                                             'the share of sky']
    assert '10.0 % -> 0.5 %' in lines[0]


def test_confusion_ignores_pixels_and_fits_the_size() -> None:
    truth = np.array([[0, 0, 1, 1], [0, 0, 255, 2]], np.uint8)
    found = confusion(np.array([[0, 1]], np.uint8), truth, 3)
    assert found.tolist() == [[4, 0, 0], [0, 2, 0], [0, 1, 0]]


def test_metrics_of_a_validation() -> None:
    metrics = {'mIoU': 50.0, 'aAcc': 80.0, 'IoU/road': 60.0, 'IoU/car': math.nan, 'mIoU/few': 10.0}
    assert validation_scores(metrics) == scores(50, road=60)
    with pytest.raises(ValueError, match=r'the validation has no mIoU, only mDice.*label_free'):
        validation_scores(dict(mDice=1.0))


def test_each_style_is_what_it_says() -> None:
    rng = np.random.default_rng(0)
    image, first, second = (rng.integers(0, 256, (16, 32, 3), dtype=np.uint8) for _ in range(3))
    styles = ['dark', 'raw', 'lab', 'dark', 'fda']
    assert number_names(styles) == ['dark 1', 'raw', 'lab', 'dark 2', 'fda'] and count_references(styles) == 2
    half, raw, lab, gamma, fda = apply_styles(image, styles, [first, second[:, :16]])
    assert np.array_equal(raw, image) and np.array_equal(lab, lab_statistics_transfer(image, first))
    assert half.mean() == pytest.approx(image.mean() / 2, abs=1) and gamma.mean() < image.mean() - 20
    assert gamma.max() == image.max() == 255, 'only the shadows are darker'
    assert fda.shape == image.shape and abs(fda.mean() - second[:, :16].mean()) < 3
