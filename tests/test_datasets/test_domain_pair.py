"""Samples with one branch a domain."""
from typing import Callable

import pytest
import torch
from mmseg.registry import DATASETS

from small_data import CLASSES
from udas_mmseg.datasets import DomainPairDataset, StreamIndex

UNLABELED = [dict(type='LoadVerifiedImage'), dict(type='RandomCrop', crop_size=(8, 16)), dict(type='PackSegInputs')]


@pytest.fixture
def pair(labeled_config: Callable) -> Callable[..., DomainPairDataset]:

    def make(**changes: object) -> DomainPairDataset:
        target = labeled_config('target', 3, pipeline=UNLABELED, label_map=None)
        target['data_prefix'] = dict(img_path='images')
        config = dict(type='DomainPairDataset', source=labeled_config(), target=target)
        return DATASETS.build({**config, **changes})

    return make


def test_target_carries_no_labels(pair: Callable) -> None:
    sample = pair()[StreamIndex(0, 0)]
    assert set(sample) == {'source', 'target'}
    assert 'gt_sem_seg' in sample['source']['data_samples']
    assert 'gt_sem_seg' not in sample['target']['data_samples']


def test_labeled_target_is_a_branch_of_its_own(pair: Callable, labeled_config: Callable) -> None:
    sample = pair(labeled_target=labeled_config('few', 2))[StreamIndex(0, 0)]
    assert 'gt_sem_seg' in sample['labeled_target']['data_samples']


def test_branches_are_shuffled_independently(labeled_config: Callable) -> None:
    config = labeled_config(count=5)
    both = DATASETS.build(dict(type='DomainPairDataset', source=config, labeled_target=config))
    pairs = [both[StreamIndex(0, position)] for position in range(5)]
    assert [p['source']['data_samples'].img_path for p in pairs] != [
        p['labeled_target']['data_samples'].img_path for p in pairs]


def test_a_branch_does_not_depend_on_the_others(pair: Callable, labeled_config: Callable) -> None:
    alone = DATASETS.build(dict(type='StreamDataset', dataset=labeled_config()))
    assert torch.equal(pair()[StreamIndex(0, 3)]['source']['inputs'], alone[StreamIndex(0, 3)]['inputs'])


def test_declared_target_labels_are_refused(pair: Callable, labeled_config: Callable) -> None:
    with pytest.raises(ValueError, match='target branch declares labels.*labeled_target'):
        pair(target=labeled_config('target'))


def test_smuggled_target_labels_are_refused(pair: Callable, labeled_config: Callable) -> None:
    labeled = DATASETS.build(labeled_config('target'))
    labeled.data_prefix = dict(img_path='images')  # a data set that hides where its labels come from
    with pytest.raises(ValueError, match='has `gt_sem_seg`'):
        pair(target=labeled)[StreamIndex(0, 0)]


def test_target_ground_truth_is_never_opened(pair: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    from mmengine import fileio
    real = fileio.get
    monkeypatch.setattr(fileio, 'get', lambda path, **kwargs: opened.append(path) or real(path, **kwargs))
    stream = pair()
    for position in range(6):
        stream[StreamIndex(0, position)]
    assert any('/target/images/' in path for path in opened)
    assert any('/source/labels/' in path for path in opened)
    assert not any('/target/labels/' in path for path in opened)


def test_other_classes_are_refused(pair: Callable, labeled_config: Callable) -> None:
    other = dict(CLASSES, classes=('road', 'car', 'other'))
    with pytest.raises(ValueError, match='different classes.*labeled_target'):
        pair(labeled_target=labeled_config('few', metainfo=other))


def test_pseudo_labels_are_a_branch_with_or_without_the_others(pair: Callable, labeled_config: Callable) -> None:
    pseudo = labeled_config('pseudo', 2)
    sample = pair(pseudo_labeled=pseudo)[StreamIndex(0, 3)]
    assert list(sample) == ['source', 'pseudo_labeled', 'target']
    assert 'gt_sem_seg' in sample['pseudo_labeled']['data_samples']
    alone = pair(pseudo_labeled=pseudo, source=None, target=None)
    assert len(alone) == 2 and alone.metainfo['classes'] == CLASSES['classes']
    assert list(alone[StreamIndex(0, 3)]) == ['pseudo_labeled']  # the same sample as beside the others
    assert torch.equal(alone[StreamIndex(0, 3)]['pseudo_labeled']['inputs'], sample['pseudo_labeled']['inputs'])
    assert torch.equal(pair()[StreamIndex(0, 3)]['source']['inputs'], sample['source']['inputs'])


def test_pseudo_labels_that_are_not_loaded_are_noticed(pair: Callable, labeled_config: Callable) -> None:
    with pytest.raises(ValueError, match='pseudo_labeled branch has no label.*LoadPseudoLabel'):
        pair(pseudo_labeled=labeled_config('pseudo', 2, pipeline=UNLABELED))[StreamIndex(0, 0)]


@pytest.mark.parametrize('target', [True, False])
def test_without_labels_there_is_nothing_to_learn(pair: Callable, target: bool) -> None:
    with pytest.raises(ValueError, match='no branch with labels.*Add `source`'):
        pair(source=None, **({} if target else dict(target=None)))


def test_other_classes_of_pseudo_labels_are_refused(pair: Callable, labeled_config: Callable) -> None:
    other = dict(CLASSES, classes=('road', 'car', 'other'))
    with pytest.raises(ValueError, match='different classes.*pseudo_labeled'):
        pair(pseudo_labeled=labeled_config('few', metainfo=other))
