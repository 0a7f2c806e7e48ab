"""Checkpoints that trainings and evaluations begin with."""
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.runner import Runner
from mmseg.registry import MODELS

from adversarial_models import SMALL, deeplabv2
from udas_mmseg.engine.initial_weights import prepare_load_from, prepare_test

WHOLE = dict(type='AdversarialSegmentor', segmentor=deeplabv2(), discriminators=SMALL)


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A checkpoint of a model with a segmentor."""
    torch.manual_seed(0)
    path = tmp_path / 'whole.pth'
    torch.save(dict(state_dict=MODELS.build(ConfigDict(WHOLE)).state_dict(), meta=dict(iter=2)), path)
    return path


@pytest.mark.parametrize('prepare', [lambda cfg: prepare_load_from(cfg), lambda cfg: prepare_test(cfg, cfg.load_from)])
def test_a_segmentor_alone_loads_the_one_of_a_larger_model(prepare: Any, whole: Path, tmp_path: Path) -> None:
    cfg = Config(dict(model=deeplabv2(), work_dir=str(tmp_path / 'run'), load_from=str(whole), default_scope='mmseg',
                      experiment_name='alone', log_level='WARNING'))
    assert prepare(cfg) == []
    runner = Runner.from_cfg(cfg)
    runner.load_or_resume()
    expected = torch.load(whole)['state_dict']
    assert all(torch.equal(value, expected[f'segmentor.{key}']) for key, value in runner.model.state_dict().items())


def test_what_does_not_fit_stops_before_the_run(whole: Path, tmp_path: Path) -> None:
    model = deeplabv2()
    model['decode_head'] = dict(model['decode_head'], num_classes=5)
    model['auxiliary_head'] = dict(model['auxiliary_head'], num_classes=5)
    cfg = Config(dict(model=model, load_from=str(whole)))
    with pytest.raises(ValueError, match=r'load_from=.*whole.pth.*8 of another shape \(segmentor.decode_head'):
        prepare_load_from(cfg)
    with pytest.raises(ValueError, match=r'whole.pth: .*8 of another shape.*add --allow-partial'):
        prepare_test(cfg, str(whole))
    line, = prepare_load_from(cfg, allow_partial=True)
    assert '8 of another shape' in line
    with pytest.raises(FileNotFoundError, match='nowhere.pth does not exist'):
        prepare_test(cfg, 'nowhere.pth')


def test_models_without_a_segmentor_are_not_compared(whole: Path) -> None:
    cfg = Config(dict(model=dict(type='MultiLevelDiscriminator'), load_from=str(whole)))
    assert prepare_load_from(cfg) == [] and prepare_test(cfg, str(whole)) == []


def test_a_config_that_cannot_be_built_does_not_blame_the_checkpoint(whole: Path) -> None:
    cfg = Config(dict(model=dict(WHOLE, kl=dict(form='other')), load_from=str(whole)))
    with pytest.raises(ValueError, match='other') as error:
        prepare_load_from(cfg)
    assert 'whole.pth' not in str(error.value) and '--allow-partial' not in str(error.value)
