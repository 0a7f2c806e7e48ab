"""Mean IoU over subsets of the classes, on values computed by hand."""
import math

import pytest
import torch
from mmseg.datasets import CityscapesDataset

from udas_mmseg.evaluation import SYNTHIA_13, SYNTHIA_16, SubsetIoUMetric

CLASSES = ('road', 'car', 'sky', 'train')


def evaluate(metric: SubsetIoUMetric, *pairs: tuple) -> dict:
    metric.dataset_meta = dict(classes=CLASSES)
    for prediction, label in pairs:
        sample = dict(pred_sem_seg=dict(data=torch.tensor([prediction])), gt_sem_seg=dict(data=torch.tensor([label])))
        metric.process({}, [sample])
    return metric.evaluate(len(pairs))


# road: 2 of 3, car: 1 of 2, sky: 0 of 1; train occurs nowhere; one pixel is ignored
PAIRS = [([[0, 0, 1]], [[0, 0, 0]]), ([[1, 2, 2]], [[1, 255, 255]]), ([[1, 1, 1]], [[255, 255, 2]])]


def test_each_class_and_the_subsets() -> None:
    result = evaluate(SubsetIoUMetric(subsets=dict(big=('road', 'car'), one=['sky'])), *PAIRS)
    assert result['IoU/road'] == pytest.approx(66.67)
    assert result['IoU/car'] == pytest.approx(33.33)
    assert result['IoU/sky'] == 0
    assert 'IoU/train' not in result
    assert result['mIoU'] == pytest.approx(33.33)
    assert result['mIoU/big'] == 50.0
    assert result['mIoU/one'] == 0
    assert all(type(value) is float and math.isfinite(value) for value in result.values())


def test_synthia_subsets_are_16_and_13_of_the_19_classes() -> None:
    cityscapes = CityscapesDataset.METAINFO['classes']
    assert len(SYNTHIA_16) == 16 and len(SYNTHIA_13) == 13
    assert set(cityscapes) - set(SYNTHIA_16) == {'terrain', 'truck', 'train'}
    assert set(SYNTHIA_16) - set(SYNTHIA_13) == {'wall', 'fence', 'pole'}


def test_unknown_class_and_subset_are_refused() -> None:
    with pytest.raises(ValueError, match=r"names \['tram'\]"):
        evaluate(SubsetIoUMetric(subsets=dict(mine=['tram'])), *PAIRS)
    with pytest.raises(ValueError, match="subset 'synthia15' is unknown"):
        SubsetIoUMetric(subsets=dict(mine='synthia15'))


def test_a_label_with_an_id_that_is_no_class_is_named() -> None:
    metric = SubsetIoUMetric()
    metric.dataset_meta = dict(classes=CLASSES)
    label = dict(data=torch.tensor([[[0, 4, 255, 9]]]))
    sample = dict(pred_sem_seg=dict(data=torch.tensor([[[0, 1, 2, 0]]])), gt_sem_seg=label, seg_map_path='val/a.png')
    with pytest.raises(ValueError, match=r'val/a\.png has the ids \[4, 9\], 2 pixels, but there are 4 classes'):
        metric.process({}, [sample])
