"""The stage that trains a student, without a run."""
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmengine.runner import load_checkpoint
from mmseg.registry import MODELS

from adversarial_models import deeplabv2
from udas_mmseg.self_training import STAGE_KINDS

ONLINE = 'SemiSupervisedSegmentor'


def build(kind: str, predict_with: str, seed: int = 0) -> Any:
    torch.manual_seed(seed)
    return MODELS.build(ConfigDict(type=kind, segmentor=deeplabv2(), ema_teacher=dict(), predict_with=predict_with))


@pytest.mark.parametrize(('kind', 'predict_with'), [('StudentTeacherSegmentor', 'student'),
                                                    ('StudentTeacherSegmentor', 'teacher'), (ONLINE, 'teacher')])
def test_a_student_begins_with_the_network_that_made_its_labels(tmp_path: Path, kind: str, predict_with: str) -> None:
    model = build(kind, predict_with)
    for value in model.teacher.network.parameters():
        value += 1
    torch.save(dict(state_dict=model.state_dict(), meta={}), tmp_path / 'iter_9.pth')
    cfg = Config(dict(model=dict(type=kind, segmentor=deeplabv2(), ema_teacher=dict(), predict_with=predict_with)))
    context: Any = SimpleNamespace(checkpoint_of=lambda *_: str(tmp_path / 'iter_9.pth'), config_of=lambda *_: cfg,
                                   folder=lambda name: str(tmp_path / name))
    stage = STAGE_KINDS.get('student')('04_student_r2', 'student', dict(init='teacher'))
    student = build(kind, 'student', seed=1)
    load_checkpoint(student, stage.initial_weights(context), strict=True)
    expected = model.predictor.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in student.segmentor.state_dict().items())


@pytest.mark.parametrize('predict_with', ['first', 'second'])
def test_a_student_begins_with_the_one_of_two_networks_that_made_its_labels(tmp_path: Path, predict_with: str) -> None:
    options = dict(type='CrossPseudoSupervision', segmentor=deeplabv2(), predict_with=predict_with)
    torch.manual_seed(0)
    model = MODELS.build(ConfigDict(options))
    torch.save(dict(state_dict=model.state_dict(), meta={}), tmp_path / 'iter_9.pth')
    context: Any = SimpleNamespace(checkpoint_of=lambda *_: str(tmp_path / 'iter_9.pth'),
                                   config_of=lambda *_: Config(dict(model=options)),
                                   folder=lambda name: str(tmp_path / name))
    stage = STAGE_KINDS.get('student')('04_student_r2', 'student', dict(init='teacher'))
    plain, student = MODELS.build(ConfigDict(type='BranchSegmentor', segmentor=deeplabv2())), MODELS.build(
        ConfigDict(options))
    expected = model.predictor.state_dict()
    for begun in (plain, student):
        load_checkpoint(begun, stage.initial_weights(context))
        assert all(torch.equal(value, expected[name]) for name, value in begun.segmentor.state_dict().items())
    assert not torch.equal(student.second.backbone.conv1.weight, student.segmentor.backbone.conv1.weight)
