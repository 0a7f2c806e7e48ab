"""Reading a pseudo-label with its confidence."""
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmseg.datasets import CityscapesDataset

from pseudo_labels import random_label, write_set
from small_data import write_image
from udas_mmseg.datasets import LoadPseudoLabel, LoadVerifiedImage, SampleError
from udas_mmseg.datasets.thresholds import class_balanced_thresholds, confidence_histogram, keep_confident
from udas_mmseg.datasets.transforms.loading import loads_labels
from udas_mmseg.utils.randomness import seeded_rng

LABEL, CONFIDENCE = random_label(0)
HISTOGRAM = confidence_histogram(LABEL, CONFIDENCE, 3)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(write_set(tmp_path / 'labels', {'a.png': (LABEL, CONFIDENCE)}) / 'a.png')


def load(path: str, load: LoadPseudoLabel, **results: object) -> np.ndarray:
    results = load(dict(seg_map_path=path, img_path='a.jpg', seg_fields=[], **results))
    assert results['seg_fields'] == ['gt_seg_map'] and results['gt_seg_map'].dtype == np.uint8
    return results['gt_seg_map']


def test_pixels_below_the_threshold_are_ignored(path: str) -> None:
    loaded = load(path, LoadPseudoLabel(0.6), ori_shape=(16, 32))
    assert np.array_equal(loaded, np.where(CONFIDENCE >= 153, LABEL, 255))
    assert 0.2 < (loaded == 255).mean() < 0.8
    assert np.array_equal(load(path, LoadPseudoLabel(threshold=0)), LABEL)


@pytest.mark.parametrize('class_balanced', [None, dict(portion=0.3), dict(portion=0.3, beta=0.5)])
def test_a_higher_threshold_never_keeps_more(path: str, class_balanced: dict) -> None:
    image = HISTOGRAM // 3  # of another set, so that the image differs from it
    kept = [load(path, LoadPseudoLabel(threshold, class_balanced), confidence_histogram=image) != 255
            for threshold in np.linspace(0, 1, 21)]
    assert all((more | fewer == more).all() for more, fewer in zip(kept, kept[1:]))
    assert kept[0].all() and not kept[-1].all()


def test_a_threshold_for_each_class(path: str) -> None:
    histogram = HISTOGRAM.copy()
    histogram[1] = np.bincount([100] * 8, minlength=256)  # a class that the teacher is not sure of
    loaded = load(path, LoadPseudoLabel(0.9, dict(portion=0.25)), confidence_histogram=histogram)
    thresholds = class_balanced_thresholds(histogram, 0.25, 0.9)
    assert thresholds[1] == pytest.approx(100 / 255) and thresholds.max() > 0.7
    assert np.array_equal(loaded, keep_confident(LABEL, CONFIDENCE, thresholds))
    blended = load(path, LoadPseudoLabel(0.9, dict(portion=0.25, beta=0.5)), confidence_histogram=histogram)
    assert (blended == 1).sum() < (loaded == 1).sum(), "the image's own are surer of that class"


def test_pixels_are_kept_as_often_as_the_teacher_is_confident(path: str) -> None:
    step = LoadPseudoLabel(0.6, keep_power=2)
    kept = np.zeros(LABEL.shape)
    for seed in range(300):
        with seeded_rng(seed, 'pseudo_labeled', 0):
            loaded = load(path, step)
        assert np.array_equal(loaded[loaded != 255], LABEL[loaded != 255])
        kept += loaded != 255
    expected = np.where(CONFIDENCE >= 153, (CONFIDENCE / 255)**2, 0)
    assert (kept[expected == 0] == 0).all() and np.abs(kept / 300 - expected).max() < 0.15
    assert np.abs(kept / 300 - expected).mean() < 0.03
    with seeded_rng(299, 'pseudo_labeled', 0):
        assert np.array_equal(load(path, step), loaded), 'a resumed run draws the same'


def test_a_plain_data_set_of_mmsegmentation_reads_them(tmp_path: Path) -> None:
    write_image(tmp_path / 'img/ulm/x_leftImg8bit.png', np.zeros((16, 32, 3), np.uint8))
    root = write_set(tmp_path / 'labels', {'ulm/x_leftImg8bit.png': (LABEL, CONFIDENCE)})

    def build(**options: object) -> CityscapesDataset:
        return CityscapesDataset(
            data_prefix=dict(img_path=str(tmp_path / 'img'), seg_map_path=str(root)),
            seg_map_suffix='_leftImg8bit.png',
            pipeline=[dict(type='LoadVerifiedImage'), dict(type='LoadPseudoLabel', **options)])

    assert np.array_equal(build()[0]['gt_seg_map'], keep_confident(LABEL, CONFIDENCE, 0.6))
    with pytest.raises(ValueError, match=r"class_balanced=\{'portion': 0.5.*x_leftImg8bit.png.*PseudoLabeledDataset"):
        build(class_balanced=dict())[0]


def test_a_translated_image_of_another_size_gets_both_resized(tmp_path: Path, path: str) -> None:
    original = str(write_image(tmp_path / 'a.png', np.zeros((16, 32, 3), np.uint8)))
    translated = str(write_image(tmp_path / 'b.png', np.zeros((8, 16, 3), np.uint8)))
    results = LoadVerifiedImage()(dict(img_path=translated, original_img_path=original, is_translated=True,
                                       seg_map_path=path))
    expected = np.where(CONFIDENCE >= 153, LABEL, 255)[1::2, 1::2]
    assert np.array_equal(LoadPseudoLabel()(results)['gt_seg_map'], expected)


def test_files_that_do_not_fit_are_named(tmp_path: Path, path: str) -> None:
    confidence = tmp_path / 'labels/a_confidence.png'
    with pytest.raises(SampleError, match=r'labels/a\.png is 32x16, but its image a\.jpg is 33x16'):
        load(path, LoadPseudoLabel(), ori_shape=(16, 33))
    whole = confidence.read_bytes()
    write_image(confidence, np.zeros((16, 31), np.uint8))
    with pytest.raises(SampleError, match=r'a\.png is 32x16, but .*a_confidence\.png is 31x16'):
        load(path, LoadPseudoLabel())
    confidence.write_bytes(whole[:-20])
    with pytest.raises(SampleError, match=r'a_confidence\.png is truncated'):
        load(path, LoadPseudoLabel())
    write_image(confidence, CONFIDENCE.astype(np.uint16))
    with pytest.raises(SampleError, match=r'a_confidence\.png has pixels of uint16.*8 bits'):
        load(path, LoadPseudoLabel())
    confidence.unlink()
    with pytest.raises(SampleError, match=r'a_confidence\.png does not exist.*LoadLabelIds'):
        load(path, LoadPseudoLabel())
    with pytest.raises(SampleError, match=r'nowhere_confidence\.png does not exist'):
        load(str(tmp_path / 'nowhere.png'), LoadPseudoLabel())


@pytest.mark.parametrize('options, message', [
    (dict(threshold=60), 'threshold=60: .*0 .* to 1'),
    (dict(class_balanced=dict(max_threshold=0.9)), r"\['max_threshold'\]; its entries are .*'portion': 0.5"),
    (dict(class_balanced=dict(portion=0)), 'portion=0; allowed are above 0, up to 1'),
    (dict(class_balanced=dict(beta=1.5)), 'beta=1.5; allowed are 0 to 1'),
    (dict(keep_power=-1), 'keep_power=-1. Allowed are numbers from 0'),
    (dict(class_balanced=dict(gamma=-1)), 'gamma=-1; allowed are 0 or more'),
])
def test_wrong_options_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LoadPseudoLabel(**options)


def test_it_is_known_as_a_step_that_reads_labels() -> None:
    assert loads_labels(dict(type='LoadPseudoLabel')) and loads_labels(dict(type='LoadLabelIds'))
    assert loads_labels(dict(type='LoadAnnotations')) and not loads_labels(dict(type='LoadVerifiedImage'))


def test_nothing_is_drawn_and_nothing_written(path: str) -> None:
    state, before = np.random.get_state()[1].tolist(), cv2.imread(path, cv2.IMREAD_UNCHANGED)
    load(path, LoadPseudoLabel(class_balanced=dict(beta=0.9)), confidence_histogram=HISTOGRAM)
    assert np.random.get_state()[1].tolist() == state
    assert np.array_equal(cv2.imread(path, cv2.IMREAD_UNCHANGED), before)
