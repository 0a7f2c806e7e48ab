"""Whole adversarial runs: resumed exactly, on two processes, and refused where they would silently be source-only."""
import re
from pathlib import Path
from typing import Callable, Dict

import pytest
import torch
from mmengine.config import Config

from tiny_runs import interrupt, resumed, same_weights, train, train_in_two_processes, train_once

SMALL = dict(type='MultiLevelDiscriminator', discriminator=dict(type='FCDiscriminator', base_channels=2,
                                                                strides=(1, 1, 1, 1, 1)))


@pytest.fixture
def adversarial_config(run_config: Callable, labeled_config: Callable) -> Callable[..., Config]:
    """The tiny run of `run_config`, adapted to a second data set by discriminators and L_kl."""

    def make(name: str = 'run', **changes: object) -> Config:
        cfg = run_config(name)
        target = labeled_config('target', 7)
        target.pop('label_map')
        target['data_prefix'] = dict(img_path='images')
        target['pipeline'] = [step for step in target['pipeline'] if step['type'] != 'LoadLabelIds']
        cfg.train_dataloader.dataset = dict(type='DomainPairDataset', source=labeled_config(), target=target)
        cfg.model = dict(type='AdversarialSegmentor', segmentor=cfg.model, discriminators=SMALL,
                         adversarial=dict(weight=(0.5, 0.1), begin=1, ramp=4),
                         kl=dict(form='symmetric_cross_entropy', weight=0.1, begin=2))
        cfg.optim_wrapper = dict(
            constructor='PerChildOptimWrapperConstructor',
            segmentor=dict(optimizer=dict(type='SGD', lr=0.01, momentum=0.9), accumulative_counts=2),
            discriminators=dict(optimizer=dict(type='Adam', lr=1e-3, betas=(0.9, 0.99))))
        cfg.model_wrapper_cfg = dict(type='MMSeparateDistributedDataParallel', broadcast_buffers=False)
        cfg.merge_from_dict(changes)
        return cfg

    return make


@pytest.mark.parametrize('iteration', [2, 5])  # at a checkpoint; one iteration after one
def test_resumed_run_has_the_same_weights_and_optimizers(adversarial_config: Callable, iteration: int) -> None:
    whole = train_once(adversarial_config('whole'))
    cfg = adversarial_config('cut')
    interrupt(cfg, iteration)
    again = resumed(cfg)
    assert any(name.startswith('discriminators.') for name in whole.model.state_dict())
    assert same_weights(again, whole)
    for child, state in (('segmentor', 'momentum_buffer'), ('discriminators', 'exp_avg_sq')):
        ours, expected = (runner.optim_wrapper[child].state_dict()['state'] for runner in (again, whole))
        assert expected and all(torch.equal(ours[key][state], expected[key][state]) for key in expected)
    assert again.optim_wrapper.get_lr() == whole.optim_wrapper.get_lr()


def test_terms_follow_the_iteration_of_the_run(adversarial_config: Callable) -> None:
    runner = train_once(adversarial_config('run'))
    values = runner.message_hub.get_scalar('train/target.decode.loss_adv').data[0]
    assert values[0] == values[1] == 0  # begin=1, ramp=4: 0 at 1, a quarter at 2
    assert all(earlier < later for earlier, later in zip(values[1:5], values[2:6]))


def test_learning_rates_of_both_children_follow_the_schedule(adversarial_config: Callable) -> None:
    runner = train_once(adversarial_config('run'))
    rates = runner.optim_wrapper.get_lr()
    factor = (1 - 6 / 7)**0.9  # MMEngine's PolyLR reaches 0 one step before `end`
    assert rates['segmentor.lr'] == [pytest.approx(0.01 * factor)]
    assert rates['discriminators.lr'] == [pytest.approx(1e-3 * factor)]


def test_two_processes_agree_and_adapt(processes: str, adversarial_config: Callable, tmp_path: Path) -> None:
    # without dropout and batch statistics, which differ by process
    still = {'model.segmentor.backbone.norm_eval': True, 'model.segmentor.auxiliary_head.norm_cfg': None,
             'model.segmentor.auxiliary_head.dropout_ratio': 0}
    cfg = adversarial_config('distributed', **still, **{'log_level': 'INFO', 'default_hooks.logger': dict(
        type='LoggerHook', interval=1, log_metric_by_epoch=False)})
    code, output = train_in_two_processes(cfg, tmp_path)
    assert code == 0, output[-3000:]
    first, second = (torch.load(tmp_path / f'rank{rank}.pth') for rank in (0, 1))
    weights: Dict[str, torch.Tensor] = first['weights']
    assert all(torch.equal(weights[name], second['weights'][name]) for name in weights)
    assert any(name.startswith('discriminators.') for name in weights)
    logged = [float(value) for value in re.findall(r'target\.decode\.loss_adv: ([\d.]+)', output)]
    assert max(logged) > 0
    assert 'discriminators.decode.acc_target' in output
    # the gradient is the mean of both ranks': the same as of one process with all of their images
    alone = train(adversarial_config('alone', **still, **{'train_dataloader.batch_size': 4})).model.state_dict()
    for name, value in weights.items():
        if 'num_batches_tracked' not in name and 'running' not in name:
            assert torch.allclose(alone[name], value, atol=1e-5), name
    half = train(adversarial_config('half', **still)).model.state_dict()
    key = 'segmentor.decode_head.convs.0.weight'
    assert not torch.allclose(alone[key], half[key], atol=1e-5)


def test_run_on_two_processes_is_resumed_from_its_weights(adversarial_config: Callable, tmp_path: Path) -> None:
    cfg = adversarial_config('resumed', **{'train_cfg.max_iters': 2})
    assert train_in_two_processes(cfg, tmp_path)[0] == 0
    trained = torch.load(tmp_path / 'rank0.pth')['weights']
    cfg.resume = True  # nothing is left to do
    code, output = train_in_two_processes(cfg, tmp_path)
    assert code == 0 and 'missing keys' not in output, output[-3000:]
    for rank in (0, 1):
        weights = torch.load(tmp_path / f'rank{rank}.pth')['weights']
        assert all(torch.equal(weights[name], value) for name, value in trained.items() if 'running' not in name)
    # the same names as from one process, so that test.py, export and load_from find them
    saved = torch.load(Path(cfg.work_dir, 'iter_2.pth'), weights_only=False)['state_dict']
    assert saved.keys() == train(adversarial_config('alone', **{'train_cfg.max_iters': 1})).model.state_dict().keys()


def test_plain_data_parallel_is_refused(adversarial_config: Callable, tmp_path: Path) -> None:
    cfg = adversarial_config('refused')
    cfg.pop('model_wrapper_cfg')
    code, output = train_in_two_processes(cfg, tmp_path)
    assert code != 0
    assert 'model_wrapper_cfg=dict(type="MMSeparateDistributedDataParallel")' in output, output[-3000:]
