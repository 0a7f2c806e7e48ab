"""Whole runs of a student: resumed exactly, in two processes, with a teacher that follows."""
import copy
from pathlib import Path
from typing import Any, Callable

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmseg.registry import HOOKS

from tiny_runs import interrupt, resumed, same_weights, train, train_in_two_processes, train_once

UNLABELED = [dict(type='LoadVerifiedImage'), dict(type='RandomCrop', crop_size=(8, 16)),
             dict(type='RandomFlip', prob=0.5), dict(type='KeepTeacherView'), dict(type='PhotoMetricDistortion'),
             dict(type='PackSegInputs', meta_keys=('img_path', 'img_shape', 'teacher_img'))]


@HOOKS.register_module(force=True)
class FollowByHand(Hook):
    """The average of the student's weights after each step of the optimizer, computed from outside."""
    priority = 'HIGH'  # before EMATeacherHook

    def __init__(self, momentum: float, every: int) -> None:
        self.momentum, self.every, self.steps, self.average = momentum, every, 0, {}

    def after_train_iter(self, runner: Any, batch_idx: int, *args: Any, **kwargs: Any) -> None:
        if (batch_idx + 1) % self.every:
            return
        rate = min(1 - 1 / (self.steps + 1), self.momentum)
        for key, value in runner.model.segmentor.state_dict().items():
            before = self.average.get(key, value)
            self.average[key] = rate * before + (1 - rate) * value if value.is_floating_point() else value.clone()
        self.steps += 1


@pytest.fixture
def student_config(run_config: Callable, labeled_config: Callable, unlabeled_config: Callable) -> Callable[..., Config]:
    """The tiny run of `run_config` with a student: L_cons on the source, pseudo-labels and an EMA teacher."""

    def make(name: str = 'run', workers: int = 0, **changes: object) -> Config:
        cfg = run_config(name, workers)
        target = unlabeled_config(pipeline=UNLABELED)
        cfg.train_dataloader.dataset = dict(type='DomainPairDataset', source=labeled_config(), target=target,
                                            pseudo_labeled=labeled_config('pseudo', 4))
        cfg.model = dict(type='StudentTeacherSegmentor', segmentor=cfg.model, consistency=dict(num_views=2),
                         ema_teacher=dict(momentum=0.9, threshold=0.3))
        cfg.custom_hooks = [*cfg.custom_hooks, dict(type='EMATeacherHook')]
        cfg.merge_from_dict(changes)
        return cfg

    return make


@pytest.mark.parametrize('iteration', [2, 5])  # at a checkpoint; one iteration after one
def test_resumed_run_has_the_same_student_teacher_and_optimizer(student_config: Callable, iteration: int) -> None:
    whole = train_once(student_config('whole'))
    cfg = student_config('cut', workers=2)
    interrupt(cfg, iteration)
    again = resumed(cfg)
    assert any(name.startswith('teacher.') for name in whole.model.state_dict())
    assert same_weights(again, whole) and int(again.model.teacher.steps) == 6
    ours, expected = (runner.optim_wrapper.state_dict()['state'] for runner in (again, whole))
    assert expected and all(torch.equal(ours[key]['momentum_buffer'], expected[key]['momentum_buffer'])
                            for key in expected)


@pytest.mark.parametrize('every', [1, 2])
def test_teacher_follows_each_step_of_the_optimizer(student_config: Callable, every: int) -> None:
    cfg = student_config('run', **{'optim_wrapper.accumulative_counts': every})
    cfg.custom_hooks.append(dict(type='FollowByHand', momentum=0.9, every=every))
    runner = train(cfg)
    by_hand = next(hook for hook in runner.hooks if isinstance(hook, FollowByHand))
    assert int(runner.model.teacher.steps) == by_hand.steps == 6 // every
    student = runner.model.segmentor.state_dict()
    teacher = runner.model.teacher.network.state_dict()
    assert all(torch.allclose(value, by_hand.average[key], rtol=1e-5, atol=1e-7) for key, value in teacher.items())
    assert not torch.equal(teacher['backbone.conv1.weight'], student['backbone.conv1.weight'])


def test_the_log_has_every_branch(student_config: Callable) -> None:
    runner = train(student_config('run', **{'train_cfg.max_iters': 1}))
    names = runner.message_hub.log_scalars
    assert {'train/source.decode.loss_cons', 'train/pseudo_labeled.aux.loss_ce', 'train/target.decode.loss_ce',
            'train/target.kept'} <= set(names)


def test_a_student_begins_from_an_adapted_model(student_config: Callable, tmp_path: Path) -> None:
    first = train(student_config('first', **{'model.ema_teacher': None, 'custom_hooks': [],
                                             'train_dataloader.dataset.target': None}))
    cfg = student_config('second', **{'optim_wrapper.optimizer.lr': 0.0})
    cfg.load_from = str(Path(first.work_dir, 'iter_6.pth'))
    second = train(cfg)
    weights = dict(first.model.segmentor.named_parameters())
    for network in (second.model.segmentor, second.model.teacher.network):
        assert all(torch.equal(value, weights[key]) for key, value in network.named_parameters())


def test_without_a_teacher_the_hook_is_refused(student_config: Callable) -> None:
    cfg = student_config('run')
    cfg.model.pop('ema_teacher')
    with pytest.raises(ValueError, match='EMATeacherHook: the model, a StudentTeacherSegmentor, has no teacher'):
        train(cfg)


def test_two_processes_agree(student_config: Callable, tmp_path: Path) -> None:
    # without views, dropout and batch statistics, which differ by process
    still = {'optim_wrapper.optimizer.lr': 1e-3, 'model.segmentor.backbone.norm_eval': True,
             'model.segmentor.auxiliary_head.norm_cfg': None,
             'model.segmentor.auxiliary_head.dropout_ratio': 0,
             'model.consistency': dict(num_views=1, smoothing=0.1)}
    cfg = student_config('distributed', **still)
    code, output = train_in_two_processes(cfg, tmp_path)
    assert code == 0, output[-3000:]
    first, second = (torch.load(tmp_path / f'rank{rank}.pth')['weights'] for rank in (0, 1))
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    assert int(first['teacher.steps']) == 6
    # the gradient is the mean of both ranks': the same as of one process with all of their images
    alone = train(student_config('alone', **still, **{'train_dataloader.batch_size': 4})).model.state_dict()
    assert alone.keys() == first.keys()
    for name, value in first.items():
        assert torch.allclose(alone[name].float(), value.float(), atol=1e-5), name
    half = train(student_config('half', **still)).model.state_dict()
    key = 'teacher.decode_head.convs.0.weight'
    assert not torch.allclose(alone[key], half[key], atol=1e-5)


def test_export_takes_the_student(student_config: Callable) -> None:
    from udas_mmseg.export.plain_config import export_state_dict
    from udas_mmseg.models.predictor import predictor_config
    cfg = student_config('run')
    segmentor, prefix = predictor_config(cfg)
    assert prefix == 'segmentor.' and segmentor['type'] == 'MultiLevelEncoderDecoder'
    model = train(copy.deepcopy(student_config('trained', **{'train_cfg.max_iters': 1}))).model
    exported = export_state_dict(model.state_dict(), cfg)
    assert not any(key.startswith(('teacher', 'segmentor')) for key in exported)
    assert torch.equal(exported['backbone.conv1.weight'], model.segmentor.backbone.conv1.weight)
