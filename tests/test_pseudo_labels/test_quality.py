"""What pseudo-labels are worth, with and without ground truth."""
from pathlib import Path

import numpy as np
import pytest

from pseudo_labels import index_of, random_label, write_set
from small_data import write_image
from udas_mmseg.datasets import SampleError
from udas_mmseg.pseudo_labels import (
    CollapsedPseudoLabels,
    check_pseudo_labels,
    coverage,
    label_change,
    markdown_coverage,
)
from udas_mmseg.pseudo_labels.quality import (
    calibration_error,
    count_agreement,
    measure_quality,
    overall_coverage,
    reliability,
)

CLASSES = ('road', 'car', 'rider')


def index_with(**confidences: list) -> dict:
    return dict(classes=list(confidences),
                confidence_histogram={name: np.bincount(values, minlength=256).tolist()
                                      for name, values in confidences.items()})


INDEX = index_with(road=[255, 200, 153, 152], car=[152, 100], rider=[])


def test_coverage_of_each_class_and_of_all() -> None:
    assert coverage(INDEX, 0.6) == dict(road=0.75, car=0, rider=0)
    assert coverage(INDEX, [1.0, 0.5, 0.5]) == dict(road=0.25, car=0.5, rider=0)
    assert overall_coverage(INDEX, 0.6) == 0.5 and overall_coverage(INDEX, 0) == 1
    assert overall_coverage(index_with(road=[]), 0.6) == 0


def test_a_higher_threshold_never_covers_more() -> None:
    covered = [overall_coverage(INDEX, threshold) for threshold in np.linspace(0, 1, 101)]
    assert covered == sorted(covered, reverse=True) and covered[0] == 1 and covered[-1] == pytest.approx(1 / 6)


def test_table_of_coverage() -> None:
    assert markdown_coverage(INDEX, 0.6) == '''\
| class | of all pixels | kept | of those kept |
| --- | --- | --- | --- |
| road | 66.67 | 75.00 | 100.00 |
| car | 33.33 | 0.00 | 0.00 |
| rider | 0.00 | 0.00 | 0.00 |
| all | 100.00 | 50.00 | 100.00 |
'''


def test_good_labels_pass() -> None:
    for index, options in ((index_with(road=[255] * 98, car=[255] * 2), dict()),
                           (index_with(road=[255] * 99 + [0] * 100, car=[255]), dict(min_coverage=0.5))):
        assert check_pseudo_labels(index, 0.6, **options) is None  # and raises nothing


@pytest.mark.parametrize('index, options, message', [
    (index_with(road=[100] * 200, car=[255]), dict(),
     r'collapsed: 0\.50 % .* confidence of at least 0\.6; min_coverage=0\.01 requires 1\.00 %'),
    (index_with(road=[255] * 100, car=[100]), dict(), r'100\.00 % .* are kept are road; max_class_share=0\.99'),
    (index_with(road=[255] * 9, car=[255]), dict(max_class_share=0.8), r'90\.00 % .* are road'),
    (index_with(road=[255] * 95 + [0] * 1000, car=[255] * 5), dict(max_class_share=0.9), r'95\.00 % .* are road'),
    (index_with(road=[], car=[]), dict(min_coverage=0), r'0\.00 % of the pixels'),
])
def test_collapsed_labels_are_refused_with_the_table(index: dict, options: dict, message: str) -> None:
    with pytest.raises(CollapsedPseudoLabels, match=message) as caught:
        check_pseudo_labels(index, 0.6, **options)
    assert markdown_coverage(index, 0.6) in str(caught.value) and isinstance(caught.value, ValueError)


def test_an_index_without_histogram_is_named() -> None:
    with pytest.raises(ValueError, match='no `confidence_histogram`.*--overwrite'):
        coverage(dict(classes=['road']), 0.6)


def test_change_between_sets_counts_classes_and_what_is_kept(tmp_path: Path) -> None:
    label = np.array([[0, 1, 2, 0, 1]], np.uint8)
    sure = np.array([[200, 200, 200, 0, 200]], np.uint8)
    later, later_sure = np.array([[0, 2, 2, 1, 1]], np.uint8), np.array([[255, 200, 0, 0, 153]], np.uint8)
    old = str(write_set(tmp_path / 'old', {'ulm/a.png': (label, sure)}))
    new = str(write_set(tmp_path / 'new', {'ulm/a.png': (later, later_sure)}))
    assert label_change(old, new, 0.6) == 0.5  # of four kept by either, one differs and one is not kept any more
    assert label_change(new, old, 0.6) == 0.5
    assert label_change(old, new, 0) == pytest.approx(2 / 5)
    assert label_change(old, old, 0.6) == 0
    assert label_change(old, new, 1.0) == 1  # one pixel, kept by the later set only


def test_what_one_set_lacks_has_changed(tmp_path: Path) -> None:
    pair = np.zeros((2, 3), np.uint8), np.full((2, 3), 255, np.uint8)
    old = str(write_set(tmp_path / 'old', {'a.png': pair, 'b.png': pair, 'b_confidence.png': pair}))
    new = str(write_set(tmp_path / 'new', {'a.png': pair}))
    assert label_change(new, old, 0.6) == pytest.approx(0.5)  # b_confidence.png is b's, whatever it is besides
    other = str(write_set(tmp_path / 'other', {'c.png': pair}))
    with pytest.raises(ValueError, match='no image in common'):
        label_change(new, other, 0.6)
    write_set(tmp_path / 'other', {'a.png': (np.zeros((2, 4), np.uint8), ) * 2})
    with pytest.raises(ValueError, match=r'a\.png is 3x2 in one set and 4x2 in the other'):
        label_change(new, other, 0.6)
    write_image(tmp_path / 'other/a_confidence.png', np.zeros((2, 3), np.uint8))
    with pytest.raises(SampleError, match=r'a\.png is 4x2, but .*a_confidence\.png is 3x2'):
        label_change(new, other, 0.6)


def test_nothing_kept_is_no_change(tmp_path: Path) -> None:
    unsure = np.zeros((2, 3), np.uint8), np.zeros((2, 3), np.uint8)
    folder = str(write_set(tmp_path / 'set', {'a.png': unsure}))
    assert label_change(folder, folder, 0.6) == 0


# predicted, true, confidence: two of three kept roads are roads, the car is right, a rider is not kept
LABEL = np.array([[0, 0, 0, 1, 2, 0, 1]], np.uint8)
TRUTH = np.array([[0, 0, 1, 1, 2, 255, 2]], np.uint8)
SURE = np.array([[255, 204, 204, 255, 51, 255, 51]], np.uint8)


def test_counts_are_by_predicted_class_true_class_and_confidence() -> None:
    counts = count_agreement(LABEL, SURE, TRUTH, 3)
    assert counts.shape == (3, 3, 256) and counts.sum() == 6, 'where there is no truth, nothing is counted'
    assert counts[0, 1, 204] == 1 and counts[1, 0].sum() == 0 and counts[1, 2, 51] == 1


def test_quality_of_kept_pixels() -> None:
    quality = measure_quality(count_agreement(LABEL, SURE, TRUTH, 3), CLASSES, 0.6)
    assert quality['coverage'] == pytest.approx(4 / 6)
    assert quality['accuracy_kept'] == pytest.approx(3 / 4) and quality['accuracy_all'] == pytest.approx(4 / 6)
    assert quality['precision'] == pytest.approx(dict(road=2 / 3, car=1, rider=None))
    assert quality['recall'] == pytest.approx(dict(road=1, car=0.5, rider=0))
    assert quality['iou_kept'] == pytest.approx(dict(road=2 / 3, car=0.5, rider=None))
    assert quality['iou_all'] == pytest.approx(dict(road=2 / 3, car=1 / 3, rider=0.5))
    assert quality['mIoU_kept'] == pytest.approx((2 / 3 + 0.5) / 2)
    assert quality['mIoU_all'] == pytest.approx((2 / 3 + 1 / 3 + 0.5) / 3)
    assert quality['true_share'] == pytest.approx(dict(road=1 / 3, car=1 / 3, rider=1 / 3))


def test_a_threshold_for_each_class() -> None:
    quality = measure_quality(count_agreement(LABEL, SURE, TRUTH, 3), CLASSES, [0.9, 0.2, 0.3])
    assert quality['precision'] == dict(road=1, car=0.5, rider=None)


def test_calibration_by_hand() -> None:
    counts = count_agreement(LABEL, SURE, TRUTH, 3)
    parts = reliability(counts, bins=5)
    # stored 51 stands for 51.5 / 255 and 204 for 204.5 / 255; 255 is exactly 1
    expected = [(51.5 / 255, 0.5, 2 / 6), ((2 * 204.5 / 255 + 2) / 4, 0.75, 4 / 6)]
    assert [tuple(part[key] for key in ('confidence', 'accuracy', 'share')) for part in parts] == [
        pytest.approx(part) for part in expected]
    assert calibration_error(counts, bins=5) == pytest.approx(sum(abs(a - b) * share for a, b, share in expected))
    assert calibration_error(np.zeros((3, 3, 256), int)) is None


def test_calibrated_labels_have_no_error_and_sure_wrong_ones_have_all() -> None:
    rng = np.random.default_rng(0)
    sure = rng.integers(0, 256, (400, 400)).astype(np.uint8)
    truth = (rng.random((400, 400)) >= (sure + 0.5) / 255).astype(np.uint8)  # class 0 is right as often as it is sure
    assert calibration_error(count_agreement(np.zeros_like(truth), sure, truth, 2)) < 0.01
    wrong = count_agreement(np.zeros((4, 4), int), np.full((4, 4), 255, np.uint8), np.ones((4, 4), int), 2)
    assert calibration_error(wrong) == 1


def test_coverage_agrees_with_the_set_on_disk(tmp_path: Path) -> None:
    label, confidence = random_label(0)
    index = index_of(write_set(tmp_path / 'set', {'a.png': (label, confidence)}, CLASSES))
    quality = measure_quality(count_agreement(label, confidence, label, 3), CLASSES, 0.6)
    assert quality['coverage'] == overall_coverage(index, 0.6) and quality['mIoU_kept'] == 1
    assert quality['recall'] == coverage(index, 0.6)


@pytest.mark.parametrize('label, truth, message', [
    (np.full((1, 7), 3, np.uint8), TRUTH, 'label has ids up to 3 and the truth up to 2; allowed are 0-2'),
    (LABEL, np.full((1, 7), 9), 'truth up to 9'),
    (LABEL[:, :6], TRUTH, r'label is \(1, 6\)'),
])
def test_ids_and_sizes_are_checked(label: np.ndarray, truth: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        count_agreement(label, SURE, truth, 3)
