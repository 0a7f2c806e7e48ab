"""Whole runs of cross pseudo supervision: resumed exactly, in two processes, and scored by what predicts."""
from pathlib import Path
from typing import Callable

import pytest
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from tiny_runs import interrupt, resumed, same_weights, train, train_in_two_processes
from udas_mmseg.engine.initial_weights import prepare_load_from


@pytest.fixture
def cps_config(run_config: Callable, labeled_config: Callable, unlabeled_config: Callable) -> Callable[..., Config]:
    """The tiny run of `run_config` with labelled and unlabelled target images, where the networks have dropout."""

    def make(name: str = 'run', workers: int = 0, **changes: object) -> Config:
        cfg = run_config(name, workers)
        target = unlabeled_config()
        cfg.train_dataloader.dataset = dict(type='DomainPairDataset', labeled_target=labeled_config(), target=target)
        cfg.model = dict(type='CrossPseudoSupervision', segmentor=cfg.model, cut_mix=True,
                         cps_weight=dict(weight=1.5, begin=0, ramp=4))
        cfg.merge_from_dict(changes)
        return cfg

    return make


def test_resumed_run_has_the_same_networks_and_optimizer(cps_config: Callable) -> None:
    whole = train(cps_config('whole'))
    cfg = cps_config('cut', workers=2)
    interrupt(cfg, 5)  # one iteration after a checkpoint
    again = resumed(cfg)
    assert same_weights(again, whole)
    ours, expected = (runner.optim_wrapper.state_dict()['state'] for runner in (again, whole))
    assert len(expected) == len(list(whole.model.parameters()))
    assert all(torch.equal(ours[key]['momentum_buffer'], expected[key]['momentum_buffer']) for key in expected)
    first, second = (network.backbone.conv1.weight for network in whole.model.networks.values())
    assert not torch.equal(first, second)
    assert {'train/labeled_target.first.decode.loss_ce', 'train/target.second.loss_cps', 'train/target.agreement',
            'val/mIoU'} <= set(whole.message_hub.log_scalars)


def test_the_mean_is_scored_and_the_statistics_of_both_networks_are_replaced(cps_config: Callable) -> None:
    cfg = cps_config('mean', **{'model.predict_with': 'mean'})
    cfg.custom_hooks = [*cfg.custom_hooks, dict(type='TargetNormStatisticsHook', num_images=2, batch_size=2)]
    runner = train(cfg)
    plain = train(cps_config('plain'))
    for ours, other in zip(runner.model.networks.values(), plain.model.networks.values()):
        assert torch.equal(ours.backbone.conv1.weight, other.backbone.conv1.weight)
        assert not torch.allclose(ours.backbone.bn1.running_mean, other.backbone.bn1.running_mean, rtol=1e-3)
    checkpoint = str(Path(runner.work_dir, 'iter_6.pth'))
    cfg.load_from = checkpoint  # scored again, from the file
    assert not prepare_load_from(cfg)
    lines = prepare_load_from(Config(dict(model=plain.cfg.model.segmentor, load_from=checkpoint)))
    assert 'the checkpoint has two networks; the first (segmentor.*) is used' in lines[0]


def test_two_processes_agree(cps_config: Callable, tmp_path: Path) -> None:
    """Without mixing, each image has the same label and loss in any process, and the sum of both is that of one."""
    still = {'model.segmentor.backbone.norm_eval': True, 'model.segmentor.auxiliary_head.norm_cfg': None,
             'model.segmentor.auxiliary_head.dropout_ratio': 0, 'model.cut_mix': False,
             'optim_wrapper.optimizer.lr': 1e-4}
    cfg = cps_config('distributed', **still)
    code, output = train_in_two_processes(cfg, tmp_path)
    assert code == 0, output[-3000:]
    first, second = (torch.load(tmp_path / f'rank{rank}.pth')['weights'] for rank in (0, 1))
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    runner = Runner.from_cfg(cps_config('alone', **still, **{'train_dataloader.batch_size': 4}))
    runner.model.init_weights()
    before = {name: value.clone() for name, value in runner.model.named_parameters()}
    runner.train()
    for name, value in runner.model.state_dict().items():
        assert torch.allclose(first[name].float(), value.float(), atol=1e-5), name
        if name.endswith('decode_head.convs.0.weight'):
            assert (value - before[name]).abs().max() > 1e-3
