"""Which pixels of a pseudo-label are kept."""
import numpy as np
import pytest

from pseudo_labels import random_label
from udas_mmseg.datasets.thresholds import (
    class_balanced_thresholds,
    confidence_histogram,
    instance_adaptive_thresholds,
    keep_confident,
    lowest_kept,
)


def histogram_of(**confidences: list) -> np.ndarray:
    return np.array([np.bincount(values, minlength=256) for values in confidences.values()])


@pytest.mark.parametrize('threshold, lowest', [(0, 0), (0.6, 153), (0.2 + 0.4, 153), (0.5, 128), (0.9, 230), (1, 255)])
def test_lowest_confidence_that_is_kept(threshold: float, lowest: int) -> None:
    assert lowest_kept(threshold) == lowest


def test_every_stored_confidence_is_its_own_threshold() -> None:
    assert lowest_kept(np.arange(256) / 255).tolist() == list(range(256))


@pytest.mark.parametrize('threshold', [-0.1, 1.01, float('nan'), [0.5, 60]])
def test_thresholds_are_shares(threshold: float) -> None:
    with pytest.raises(ValueError, match=r'thresholds of the confidence are 0 .* to 1'):
        lowest_kept(threshold)


def test_pixels_below_the_threshold_of_their_class_are_ignored() -> None:
    label = np.array([[0, 0, 1, 1, 255]], np.uint8)
    confidence = np.array([[152, 153, 50, 51, 255]], np.uint8)
    assert keep_confident(label, confidence, 0.6).tolist() == [[255, 0, 255, 255, 255]]
    assert keep_confident(label, confidence, [0.6, 0.2]).tolist() == [[255, 0, 255, 1, 255]]
    assert keep_confident(label, confidence, [1.0, 0.0]).tolist() == [[255, 255, 1, 1, 255]]
    assert label.tolist() == [[0, 0, 1, 1, 255]], 'the label itself stays'


def test_a_higher_threshold_never_keeps_more() -> None:
    label, confidence = random_label(0)
    kept = [keep_confident(label, confidence, threshold) != 255 for threshold in np.linspace(0, 1, 101)]
    assert kept[0].all() and not kept[-1].all()
    assert all((more | fewer == more).all() for more, fewer in zip(kept, kept[1:]))
    assert sum((more != fewer).any() for more, fewer in zip(kept, kept[1:])) > 70, 'thresholds differ'


def test_histogram_counts_classes_and_confidences() -> None:
    label, confidence = np.array([[0, 1, 1, 255]], np.uint8), np.array([[7, 255, 255, 9]], np.uint8)
    histogram = confidence_histogram(label, confidence, 2)
    assert histogram.shape == (2, 256) and histogram.sum() == 3
    assert histogram[0, 7] == 1 and histogram[1, 255] == 2


def test_the_same_portion_of_every_class_is_kept() -> None:
    histogram = histogram_of(sure=[250, 240, 230, 220], unsure=[100, 90, 80, 70])
    assert (255 * class_balanced_thresholds(histogram, 0.5)).tolist() == pytest.approx([240, 90])
    assert (255 * class_balanced_thresholds(histogram, 0.25)).tolist() == pytest.approx([250, 100])
    assert (255 * class_balanced_thresholds(histogram, 1)).tolist() == pytest.approx([220, 70])
    assert (255 * class_balanced_thresholds(histogram, np.array([1, 0.5]))).tolist() == pytest.approx([220, 90])


def test_at_least_the_portion_is_kept_and_equal_confidences_stay_together() -> None:
    histogram = histogram_of(tied=[200] * 9 + [10], five=[5, 4, 3, 2, 1])
    assert (255 * class_balanced_thresholds(histogram, 0.2)).tolist() == pytest.approx([200, 5])
    assert (255 * class_balanced_thresholds(histogram, 0.5)).tolist() == pytest.approx([200, 3])  # three of five
    hundred = histogram_of(all_different=list(range(100)))
    assert 255 * class_balanced_thresholds(hundred, 0.07) == pytest.approx(93)  # 0.07 * 100 is a little more than 7


def test_sure_classes_keep_more_and_absent_ones_have_the_highest_threshold() -> None:
    histogram = histogram_of(sure=[255, 255, 240, 200], unsure=[100, 90, 80, 70], absent=[])
    thresholds = class_balanced_thresholds(histogram, 0.5, max_threshold=0.9)
    assert thresholds.tolist() == pytest.approx([0.9, 90 / 255, 0.9])


def test_random_sets_keep_the_portion_and_hardly_more() -> None:
    label, confidence = random_label(1, 64, 64)
    histogram = confidence_histogram(label, confidence, 3)
    for portion in (0.1, 0.33, 0.5, 0.9):
        kept = keep_confident(label, confidence, class_balanced_thresholds(histogram, portion))
        for number in range(3):
            share = (kept == number).sum() / (label == number).sum()
            assert portion <= share < portion + 0.02


def test_thresholds_of_an_image_lie_between_the_sets_and_its_own() -> None:
    whole = histogram_of(a=[255, 204, 153, 102], b=[204, 204, 51, 51])
    image = histogram_of(a=[102, 51, 51, 51], b=[255, 255, 255, 255])
    of_set = np.array([204, 204]) / 255
    # half of the class times 0.8 ** 2 is 0.32 of four pixels, 1.28: two are kept
    of_image = np.array([51, 255]) / 255
    assert instance_adaptive_thresholds(whole, image, 0.5, 0.9, 2) == pytest.approx(0.9 * of_set + 0.1 * of_image)
    assert instance_adaptive_thresholds(whole, image, 0.5, 1, 2) == pytest.approx(of_set)
    # the eighth power leaves 0.34 of a pixel: the best one
    assert instance_adaptive_thresholds(whole, image, 0.5, 0, 8) == pytest.approx(np.array([102, 255]) / 255)
    # a class that the set has no trust in at all: still the best pixel
    assert 255 * instance_adaptive_thresholds(histogram_of(a=[0]), histogram_of(a=[9, 100]), 0.5, 0, 8) == 100
