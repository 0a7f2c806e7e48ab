"""Statistics of batch norm on the target: the averages over batches, and nothing else changes."""
import random
from pathlib import Path
from typing import Any, Callable, Dict

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmseg.registry import DATASETS, HOOKS
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

from tiny_runs import interrupt, resumed, same_weights, train, train_in_two_processes
from udas_mmseg.engine.hooks.target_norm_statistics_hook import TargetNormStatisticsHook, spread_evenly

ADAPTED = dict(type='TargetNormStatisticsHook', num_images=6, batch_size=3)


@HOOKS.register_module(force=True)
class NoteState(Hook):
    """The model and the random generators right before and after `TargetNormStatisticsHook`."""

    def __init__(self, when: str) -> None:
        self.priority = {'before': 'BELOW_NORMAL', 'after': 75}[when]
        self.when = when

    def after_train_iter(self, runner: Any, *args: Any, **kwargs: Any) -> None:
        self.modes = {name: module.training for name, module in runner.model.named_modules()}
        self.state = {key: value.clone() for key, value in runner.model.state_dict().items()}
        self.drawn = random.getstate(), str(np.random.get_state()), torch.get_rng_state().tolist()


@pytest.fixture
def target(labeled_config: Callable) -> dict:
    cfg = labeled_config('target', 7)
    cfg.pop('label_map')
    return dict(cfg, data_prefix=dict(img_path='images'),
                pipeline=[step for step in cfg['pipeline'] if step['type'] != 'LoadLabelIds'])


@pytest.fixture
def adapted_config(run_config: Callable, labeled_config: Callable, target: dict) -> Callable[..., Config]:

    def make(name: str = 'run', model: str = 'plain', hook: Any = ADAPTED, **changes: object) -> Config:
        cfg = run_config(name)
        cfg.train_dataloader.dataset = dict(type='DomainPairDataset', source=labeled_config(), target=target)
        if model == 'plain':
            cfg.train_dataloader.dataset = dict(type='StreamDataset', dataset=labeled_config())
            hook = hook and dict(hook, branch=target)
        elif model == 'student':
            cfg.model = dict(type='StudentTeacherSegmentor', segmentor=cfg.model, ema_teacher=dict(threshold=0.))
            cfg.custom_hooks = [*cfg.custom_hooks, dict(type='EMATeacherHook')]
        else:
            cfg.model = dict(type='AdversarialSegmentor', segmentor=cfg.model)
            cfg.optim_wrapper = dict(constructor='PerChildOptimWrapperConstructor', segmentor=cfg.optim_wrapper)
            cfg.model_wrapper_cfg = dict(type='MMSeparateDistributedDataParallel', broadcast_buffers=False)
        cfg.custom_hooks = [*cfg.custom_hooks, dict(type='NoteState', when='before'),
                            dict(type='NoteState', when='after'), *([hook] if hook else [])]
        cfg.merge_from_dict(changes)
        return cfg

    return make


def notes(runner: Any) -> Dict[str, NoteState]:
    return {hook.when: hook for hook in runner.hooks if isinstance(hook, NoteState)}


class AllHeads(nn.Module):

    def __init__(self, segmentor: nn.Module) -> None:
        super().__init__()
        self.segmentor = segmentor

    def forward(self, images: Tensor) -> None:
        self.segmentor(images, mode='tensor')


@pytest.mark.parametrize('model', ['plain', 'student', 'adversarial'])
def test_statistics_are_torchs_own_average_and_nothing_else_changes(adapted_config: Callable, model: str,
                                                                    target: dict) -> None:
    runner = train(adapted_config('run', model))
    before, after = notes(runner)['before'], notes(runner)['after']
    assert before.drawn == after.drawn and before.modes == after.modes
    changed = {key for key in before.state if not torch.equal(before.state[key], after.state[key])}
    networks = {'plain': {'': runner.model}, 'adversarial': {'segmentor.': getattr(runner.model, 'segmentor', None)}}
    if model == 'student':
        networks['student'] = {'segmentor.': runner.model.segmentor, 'teacher.': runner.model.teacher.network}
    assert changed == {key for key in before.state if key.startswith(tuple(networks[model])) and 'running_' in key}
    # torch's own way, on the same images
    hook = next(hook for hook in runner.hooks if isinstance(hook, TargetNormStatisticsHook))
    batches = list(hook._batches(runner.model))
    assert [len(batch) for batch in batches] == [3, 3]
    for prefix, network in networks[model].items():
        for module in network.modules():
            if isinstance(module, nn.Dropout2d):
                module.p = 0
        network.train()
        update_bn(batches, AllHeads(network))
        for key, value in network.state_dict().items():
            if 'running_' in key:
                assert torch.allclose(value, after.state[prefix + key], rtol=1e-5, atol=1e-6), key


def test_images_are_spread_evenly_and_without_labels(target: dict) -> None:
    assert spread_evenly(10, 5) == [0, 2, 4, 6, 8] and spread_evenly(3, 160) == [0, 1, 2]
    hook = TargetNormStatisticsHook(num_images=3, batch_size=8)
    hook._dataset = DATASETS.build(target)
    seen = []

    class Model(nn.Module):

        def data_preprocessor(self, batch: dict, training: bool) -> dict:
            assert not training
            seen.extend(batch['data_samples'])
            return batch

    first, second = (torch.stack(list(hook._batches(Model()))[0]) for _ in range(2))
    assert torch.equal(first, second)  # although the pipeline is a random one
    assert [Path(sample.img_path).stem for sample in seen[:3]] == ['000', '002', '004']
    assert not any('gt_sem_seg' in sample for sample in seen)


def test_the_last_checkpoint_and_validation_have_them_and_earlier_ones_do_not(adapted_config: Callable) -> None:
    plain, adapted = train(adapted_config('plain', hook=None)), train(adapted_config('adapted'))
    load = [{step: torch.load(Path(runner.work_dir, f'iter_{step}.pth'), weights_only=False)['state_dict']
             for step in (4, 6)} for runner in (plain, adapted)]
    assert all(torch.equal(value, load[1][4][key]) for key, value in load[0][4].items())
    for key, value in load[0][6].items():
        assert torch.equal(value, load[1][6][key]) == ('running_' not in key), key
    assert all(torch.equal(value, load[1][6][key]) for key, value in adapted.model.state_dict().items())


def test_resumed_run_ends_alike(adapted_config: Callable) -> None:
    whole = train(adapted_config('whole', 'student'))
    cfg = adapted_config('cut', 'student')
    interrupt(cfg, 5)
    assert same_weights(resumed(cfg), whole)
    again = resumed(cfg)  # nothing is left to do
    assert same_weights(again, whole)


def test_layers_that_do_not_learn_statistics_keep_theirs(adapted_config: Callable) -> None:
    runner = train(adapted_config('run', **{'model.backbone.norm_eval': True}))
    before, after = (note.state for note in notes(runner).values())
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    assert changed and all(key.startswith('auxiliary_head') for key in changed)


def test_layers_of_the_teacher_are_those_of_the_student(adapted_config: Callable) -> None:
    runner = train(adapted_config('run', 'student', **{'model.segmentor.backbone.norm_eval': True}))
    before, after = (note.state for note in notes(runner).values())
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    assert {key.split('.')[0] for key in changed} == {'segmentor', 'teacher'}
    assert not any('backbone' in key for key in changed)


def test_broken_images_are_left_out(adapted_config: Callable, target: dict) -> None:
    Path(target['data_root'], 'images', '000.png').write_bytes(b'no image')
    runner = train(adapted_config('run'))
    before, after = (note.state for note in notes(runner).values())
    key = 'backbone.bn1.running_mean'
    assert not torch.equal(before[key], after[key])


def test_every_process_computes_the_same(adapted_config: Callable, tmp_path: Path) -> None:
    cfg = adapted_config('distributed', 'adversarial')
    cfg.custom_hooks = [hook for hook in cfg.custom_hooks if hook['type'] != 'NoteState']
    cfg.val_dataloader = cfg.val_evaluator = cfg.val_cfg = None  # PositionTrainLoop makes them equal for it
    cfg.train_cfg.pop('val_interval')
    code, output = train_in_two_processes(cfg, tmp_path)
    assert code == 0, output[-3000:]
    first, second = (torch.load(tmp_path / f'rank{rank}.pth')['weights'] for rank in (0, 1))
    names = [name for name in first if name.startswith('segmentor.') and 'running_' in name]
    assert names and all(torch.equal(first[name], second[name]) for name in names)


@pytest.mark.parametrize(('hook', 'message'), [
    (dict(ADAPTED, num_images=0), 'num_images=0: it must be 1 or more'),
    (dict(ADAPTED, branch='real'), r"branch='real', but the training data have \['source', 'target'\]"),
])
def test_mistakes_are_known_before_training(adapted_config: Callable, hook: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        train(adapted_config('run', 'student', hook))
