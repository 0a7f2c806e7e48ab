"""Checkpoints that do not match a config."""
from pathlib import Path
from typing import Any, Dict

import pytest
import torch
from mmengine.config import Config, ConfigDict
from mmseg.registry import MODELS
from torch import Tensor

from adversarial_models import SMALL, deeplabv2
from small_data import CLASSES
from udas_mmseg.models.checkpoint_fit import compare_classes
from udas_mmseg.models.trained import build_original, check_initial_weights, check_predictor, load_checkpoint

ALONE = Config(dict(model=deeplabv2()))
WHOLE = Config(dict(model=dict(type='AdversarialSegmentor', segmentor=deeplabv2(), discriminators=SMALL)))
STUDENT = Config(dict(model=dict(type='StudentTeacherSegmentor', segmentor=deeplabv2(), ema_teacher=dict())))


@pytest.fixture
def alone() -> Dict[str, Tensor]:
    torch.manual_seed(0)
    return dict(MODELS.build(ConfigDict(deeplabv2())).state_dict())


def renamed(weights: Dict[str, Tensor], prefix: str) -> Dict[str, Tensor]:
    return {prefix + key: value for key, value in weights.items()}


def data(*classes: str) -> Config:
    dataset = dict(type='LabelMappedDataset', data_root='d', data_prefix=dict(img_path='i'), pipeline=[],
                   metainfo=dict(CLASSES, classes=classes))
    return Config(dict(model=deeplabv2(), test_dataloader=dict(dataset=dataset)))


@pytest.mark.parametrize('cfg', [ALONE, WHOLE, STUDENT])
@pytest.mark.parametrize('prefix', ['', 'segmentor.', 'module.', 'module.segmentor.'])
def test_a_segmentor_is_found_alone_and_in_a_larger_model(cfg: Config, prefix: str, alone: Dict[str, Tensor]) -> None:
    content = dict(state_dict=renamed(alone, prefix))
    model = build_original(cfg, content)
    assert all(torch.equal(value, alone[key]) for key, value in model.state_dict().items())
    assert check_predictor(cfg, content) == []
    absent = {id(WHOLE): ['not in the checkpoint: discriminators'], id(STUDENT): ['not in the checkpoint: teacher']}
    assert check_initial_weights(cfg, content) == absent.get(id(cfg), [])


def test_a_checkpoint_of_another_method_may_begin_a_training(alone: Dict[str, Tensor]) -> None:
    weights = dict(MODELS.build(WHOLE.model).state_dict())
    assert check_initial_weights(WHOLE, weights) == []
    assert check_initial_weights(STUDENT, weights) == ['not in the checkpoint: teacher']
    assert check_initial_weights(ALONE, weights) == []
    key = next(key for key in weights if key.startswith('discriminators.'))
    weights[key] = torch.zeros(1)
    with pytest.raises(ValueError, match=rf'1 of another shape \({key}'):
        check_initial_weights(WHOLE, weights)


def test_of_a_student_and_a_teacher_the_student_is_used(alone: Dict[str, Tensor]) -> None:
    weights = dict(MODELS.build(STUDENT.model).state_dict())
    assert 'the student (segmentor.*) is used' in check_predictor(ALONE, weights)[0]
    assert check_predictor(STUDENT, weights) == check_initial_weights(STUDENT, weights) == []


def other_head(weights: Dict[str, Tensor]) -> Dict[str, Tensor]:
    return {key.replace('decode_head.convs', 'decode_head.conv_seg'): value for key, value in weights.items()}


@pytest.mark.parametrize('change, message', [
    (other_head, r'4 missing \(decode_head.convs.*, \.\.\.\); 4 unexpected \(decode_head.conv_seg'),
    (lambda weights: renamed(weights, 'net.'), "begin with 'net.', as in net.backbone.conv1.weight.* Remove this"),
    (lambda weights: {key: value for key, value in weights.items() if key.startswith('backbone.')},
     r'only the weights of a backbone.*init_cfg=dict\(type="Pretrained".*prefix="backbone\."'),
    (lambda weights: {key[9:]: value for key, value in weights.items() if key.startswith('backbone.')},
     r'weights of a backbone without a head.*init_cfg=dict\(type="Pretrained", checkpoint=FILE\)'),
    (lambda weights: dict(a=torch.zeros(1)), 'Nothing of it would be loaded: it has no name of the model'),
    (lambda weights: {}, 'Nothing of it would be loaded'),
])
@pytest.mark.parametrize('cfg', [ALONE, WHOLE])
def test_other_weights_are_refused_with_the_fix(cfg: Config, change: Any, message: str,
                                                alone: Dict[str, Tensor]) -> None:
    weights = change(alone)
    for check in (check_predictor, check_initial_weights, build_original):
        with pytest.raises(ValueError, match=message):
            check(cfg, weights)
    for check in (check_predictor, check_initial_weights):
        assert 'missing' in check(cfg, weights, allow_partial=True)[0]


def test_old_checkpoints_do_not_count_batches(alone: Dict[str, Tensor]) -> None:
    older = {key: value for key, value in alone.items() if not key.endswith('num_batches_tracked')}
    assert len(older) < len(alone)
    loaded = build_original(ALONE, older).state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in older.items())


@pytest.mark.parametrize('found, message', [
    (('road', 'sidewalk'), r'trained with 2 classes \(road, sidewalk\), the data have 3 \(road, sidewalk, other\)'),
    (('sidewalk', 'road', 'other'), "the same classes in another order: class 0 is 'sidewalk', and 'road' in the data"),
    (('road', 'sidewalk', 'sky'), "other classes: class 2 is 'sky', and 'other' in the data"),
])
def test_other_classes_are_refused(found: tuple, message: str, alone: Dict[str, Tensor]) -> None:
    cfg = data('road', 'sidewalk', 'other')
    content = dict(state_dict=alone, meta=dict(dataset_meta=dict(classes=found)))
    for check in (check_predictor, check_initial_weights, build_original):
        with pytest.raises(ValueError, match=message):
            check(cfg, content)
    assert check_predictor(cfg, content, allow_partial=True) == [compare_classes(content['meta'], cfg)]


def test_equal_and_unknown_classes_are_accepted() -> None:
    cfg = data('road', 'traffic light', 'other')
    same = ('Road', 'traffic-light', 'other')
    assert compare_classes(dict(dataset_meta=dict(classes=same)), cfg) == ''
    assert compare_classes(dict(CLASSES=same), cfg) == ''
    assert compare_classes({}, cfg) == ''
    assert compare_classes(dict(CLASSES=('sky', )), ALONE) == ''


@pytest.mark.parametrize('allow_partial', [False, True])
def test_weights_that_are_not_finite_are_refused(alone: Dict[str, Tensor], allow_partial: bool) -> None:
    alone['decode_head.convs.0.bias'] = torch.full_like(alone['decode_head.convs.0.bias'], float('nan'))
    for check in (check_predictor, check_initial_weights):
        with pytest.raises(ValueError, match=r'1 weights that are not finite \(decode_head\.convs\.0\.bias\)'):
            check(ALONE, dict(state_dict=alone), allow_partial)


def test_weights_that_are_no_tensors_are_refused(alone: Dict[str, Tensor], tmp_path: Path) -> None:
    arrays = {key: value.numpy() for key, value in alone.items()}
    with pytest.raises(ValueError, match=r'a ndarray as backbone\.conv1\.weight'):
        check_predictor(ALONE, dict(state_dict=arrays))
    torch.save(dict(state_dict=None), tmp_path / 'none.pth')
    with pytest.raises(ValueError, match='has a NoneType in `state_dict` instead of a dict'):
        load_checkpoint(str(tmp_path / 'none.pth'))
