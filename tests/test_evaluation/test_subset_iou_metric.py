"""Mean IoU over subsets of the classes, on values computed by hand."""
import math
from typing import Any

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


def evaluate_groups(groups: dict, images: list, **options: Any) -> dict:
    metric = SubsetIoUMetric(groups=groups, **options)
    metric.dataset_meta = dict(classes=CLASSES)
    for path, (prediction, label) in images:
        metric.process({}, [dict(img_path=path, pred_sem_seg=dict(data=torch.tensor([prediction])),
                                 gt_sem_seg=dict(data=torch.tensor([label])))])
    return metric.evaluate(len(images))


def test_a_group_is_scored_like_a_data_set_of_its_images() -> None:
    images = [('day/0.png', PAIRS[0]), ('dusk/0.png', PAIRS[1]), ('day/1.png', PAIRS[2])]
    result = evaluate_groups(dict(pattern='(day|dusk)/'), images)
    alone = {'day': evaluate(SubsetIoUMetric(), PAIRS[0], PAIRS[2]), 'dusk': evaluate(SubsetIoUMetric(), PAIRS[1])}
    for name, scores in alone.items():
        assert result[f'mIoU/{name}'] == scores['mIoU']
        assert {key: value for key, value in result.items() if key.startswith(f'{name}/')} == {
            f'{name}/{key}': value for key, value in scores.items() if key.startswith('IoU/')}
    assert alone['day']['mIoU'] == pytest.approx(22.22) and alone['dusk']['mIoU'] == 100
    assert result['mIoU/mean'] == pytest.approx(61.11) and result['mIoU/worst'] == pytest.approx(22.22)
    whole = evaluate(SubsetIoUMetric(), *PAIRS)
    assert {key: result[key] for key in whole} == whole, 'groups change no other score'


def test_groups_that_do_not_fit_are_refused() -> None:
    images = [('day/0.png', PAIRS[0])]
    with pytest.raises(ValueError, match='day/0.png belongs to no group'):
        evaluate_groups(dict(pattern='(night)/'), images)
    listed = dict(globs=dict(day='day/*', night='night/*'))
    with pytest.raises(ValueError, match=r"no images in the groups \['night'\]"):
        evaluate_groups(listed, images)
    allowed = evaluate_groups(dict(listed, allow_empty=True), images)
    assert math.isnan(allowed['mIoU/night']) and allowed['mIoU/worst'] == allowed['mIoU/day']
    with pytest.raises(ValueError, match=r"are both named \['worst'\]"):
        SubsetIoUMetric(subsets=dict(worst=['car']), groups=listed)
