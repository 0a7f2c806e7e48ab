"""Settings that a config may leave out."""
from pathlib import Path
from typing import Any, Dict

import pytest
from mmengine.config import Config
from mmseg.models.decode_heads import FCNHead
from mmseg.registry import MODELS

from udas_mmseg.datasets.left_out import classes_of, fill_left_out
from udas_mmseg.datasets.preflight import check_config
from udas_mmseg.engine.launch import load_config

THREE = dict(metainfo=dict(classes=('road', 'sidewalk', 'other')))


def loader(**dataset: Any) -> Dict[str, Any]:
    return dict(dataset=dict(type='DomainPairDataset', source=dict(type='LabelMappedDataset', **dataset)))


@pytest.mark.parametrize('dataset, expected', [
    (dict(type='LabelMappedDataset', **THREE), 3),
    (dict(type='CityscapesDataset'), 19),
    (dict(type='mmseg.CityscapesDataset', **THREE), 3),
    (dict(type='PseudoLabeledDataset', metainfo='CityscapesDataset'), 19),
    (dict(type='LabelMappedDataset'), 0),
    (dict(type='nobody'), 0),
    (dict(), 0),
])
def test_classes_are_those_of_the_data_set_or_its_type(dataset: dict, expected: int) -> None:
    assert len(classes_of(dataset)) == expected


def test_classes_may_be_in_a_file(tmp_path: Path) -> None:
    (tmp_path / 'classes.txt').write_text('road\nother\n')
    assert classes_of(dict(metainfo=dict(classes=str(tmp_path / 'classes.txt')))) == ('road', 'other')


def test_every_head_gets_the_number_of_classes() -> None:
    head = dict(type='FCNHead', in_channels=4, channels=4)
    cfg = dict(
        train_dataloader=loader(**THREE),
        model=dict(segmentor=dict(decode_head=[dict(head), dict(head)], auxiliary_head=dict(type='DeepLabV2Head')),
                   discriminators=dict(type='FCDiscriminator'), neck=dict(type='FPN')))
    fill_left_out(cfg)
    segmentor = cfg['model']['segmentor']
    assert [part['num_classes'] for part in (*segmentor['decode_head'], segmentor['auxiliary_head'])] == [3, 3, 3]
    assert 'num_classes' not in cfg['model']['neck'] and 'num_classes' not in cfg['model']['discriminators']
    assert MODELS.build(segmentor['decode_head'][0]).num_classes == 3


def test_a_given_number_is_kept_and_refused_if_it_is_wrong(labeled_config: Any) -> None:
    head = dict(type='FCNHead', num_classes=7)
    cfg = dict(train_dataloader=dict(dataset=labeled_config()), model=dict(decode_head=head))
    fill_left_out(cfg)
    assert cfg['model']['decode_head']['num_classes'] == 7
    with pytest.raises(ValueError, match=r'model\.decode_head\.num_classes=7, but LabelMappedDataset has 3 classes'):
        check_config(cfg)


def test_the_class_of_a_head_may_be_given_itself() -> None:
    cfg = dict(val_dataloader=loader(**THREE), model=dict(decode_head=dict(type=FCNHead)))
    fill_left_out(cfg)
    assert cfg['model']['decode_head']['num_classes'] == 3


def test_without_classes_the_fix_is_said() -> None:
    with pytest.raises(ValueError, match=r'model\.decode_head has no num_classes, .*metainfo=dict\(classes='):
        fill_left_out(dict(train_dataloader=loader(), model=dict(decode_head=dict(type='FCNHead'))))
    fill_left_out(dict(model=dict(type='DomainCycleGAN', generator=dict(type='ResnetGenerator'))))


def test_a_translator_has_no_validation_unless_it_has_a_loop() -> None:
    scored = dict(val_dataloader=loader(**THREE), val_evaluator=dict(type='SubsetIoUMetric'))
    cfg: Dict[str, Any] = dict(scored, translate_dataloader=loader(), model=dict(type='DomainCycleGAN'))
    fill_left_out(cfg)
    parts = [f'{split}_{part}' for split in ('val', 'test') for part in ('dataloader', 'evaluator', 'cfg')]
    assert [cfg[part] for part in parts] == [None] * 6
    cfg = dict(scored, val_cfg=dict(type='ValLoop'), translate_dataloader=loader())
    fill_left_out(cfg)
    assert cfg['val_dataloader'] and cfg['val_evaluator']
    fill_left_out(scored)
    assert scored['val_dataloader'], 'a mistake of another config, which MMEngine refuses'


def test_a_written_config_is_complete(tmp_path: Path) -> None:
    (tmp_path / 'mine.py').write_text("model = dict(decode_head=dict(type='FCNHead'))\n"
                                      f'train_dataloader = dict(dataset=dict(type="LabelMappedDataset", **{THREE}))\n')
    load_config(str(tmp_path / 'mine.py')).dump(str(tmp_path / 'config.py'))
    assert Config.fromfile(str(tmp_path / 'config.py')).model.decode_head.num_classes == 3
