"""Data set configs without labels."""
import copy

import pytest
from mmengine.config import Config
from mmseg.datasets import CityscapesDataset

from udas_mmseg.datasets.unlabeled import is_pseudo_labeled, prediction_pipeline, predicts_alike, without_labels

LOAD, PACK = dict(type='LoadVerifiedImage'), dict(type='PackSegInputs')
LABELED = dict(type='CityscapesDataset', data_root='data', data_prefix=dict(img_path='images', seg_map_path='labels'),
               pipeline=[LOAD, dict(type='LoadLabelIds'), dict(type='LoadAnnotations'), PACK])
PSEUDO = dict(type='PseudoLabeledDataset', pseudo_label_root='labels', metainfo='CityscapesDataset', data_root='data',
              data_prefix=dict(img_path='images'), pipeline=[LOAD, dict(type='LoadPseudoLabel', threshold=0.6), PACK])


def test_labels_are_neither_listed_nor_read() -> None:
    before = copy.deepcopy(LABELED)
    assert without_labels(LABELED) == dict(type='CityscapesDataset', data_root='data',
                                           data_prefix=dict(img_path='images'), pipeline=[LOAD, PACK])
    assert before == LABELED


def test_pseudo_labels_are_not_looked_for() -> None:
    found = without_labels(PSEUDO)
    assert found == dict(type='LabelMappedDataset', metainfo=CityscapesDataset.METAINFO, data_root='data',
                         data_prefix=dict(img_path='images'), pipeline=[LOAD, PACK])
    classes = dict(classes=('road', 'car'))
    assert without_labels(dict(PSEUDO, metainfo=classes))['metainfo'] == classes
    assert is_pseudo_labeled(PSEUDO) and not is_pseudo_labeled(found) and not is_pseudo_labeled(LABELED)


def test_a_config_of_all_stages_is_no_model() -> None:
    with pytest.raises(ValueError, match='the stages of self-training, not a model.*export'):
        prediction_pipeline(Config(dict(self_training=dict(rounds=1))))
    with pytest.raises(ValueError, match='neither test_dataloader'):
        prediction_pipeline(Config())


def test_another_pipeline_loses_its_labels_too() -> None:
    resize = dict(type='Resize', scale=(8, 8))
    assert without_labels(LABELED, [LOAD, dict(type='LoadLabelIds'), resize, PACK])['pipeline'] == [LOAD, resize, PACK]
    assert without_labels(dict(type='LabelMappedDataset')) == dict(type='LabelMappedDataset', pipeline=[],
                                                                   data_prefix=dict(img_path=''))


@pytest.mark.parametrize('names, alike', [
    (['LoadVerifiedImage', 'PackSegInputs'], True), (['LoadVerifiedImage', 'Resize', 'PackSegInputs'], True),
    (['LoadVerifiedImage', 'RandomFlip', 'PackSegInputs'], False), (['LoadVerifiedImage'], False), ([], False),
    (['LoadVerifiedImage', 'PhotoMetricDistortion', 'PackSegInputs'], False)])  # yapf: disable
def test_chance_is_noticed(names: list, alike: bool) -> None:
    assert predicts_alike([dict(type=name) for name in names]) is alike
