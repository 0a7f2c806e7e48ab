"""A run that was interrupted ends with the same weights as one that was not."""
from pathlib import Path
from typing import Callable

import pytest
import torch
from mmengine.runner import Runner

from tiny_runs import interrupt, resumed, same_weights, train, train_once


@pytest.fixture
def uninterrupted(run_config: Callable) -> Runner:
    return train_once(run_config('whole'))


@pytest.mark.parametrize('workers', [0, 2])
@pytest.mark.parametrize('iteration', [2, 5])
def test_resumed_run_has_the_same_weights(run_config: Callable, uninterrupted: Runner, workers: int,
                                          iteration: int) -> None:
    cfg = run_config('cut', workers)
    interrupt(cfg, iteration)
    runner = resumed(cfg)
    assert same_weights(runner, uninterrupted)
    ours, expected = runner.optim_wrapper.state_dict()['state'], uninterrupted.optim_wrapper.state_dict()['state']
    assert all(torch.equal(ours[key]['momentum_buffer'], expected[key]['momentum_buffer']) for key in expected)
    assert runner.optim_wrapper.get_lr() == uninterrupted.optim_wrapper.get_lr()
    assert runner.message_hub.get_info('stream_position') == 12


def test_a_run_is_not_trivially_constant(run_config: Callable, uninterrupted: Runner) -> None:
    assert not same_weights(train(run_config('other', randomness=dict(seed=8))), uninterrupted)
    assert not same_weights(train(run_config('shorter', max_iters=5)), uninterrupted)


def test_seed_of_the_checkpoint_wins(run_config: Callable, uninterrupted: Runner) -> None:
    cfg = run_config('cut')
    interrupt(cfg, 2)
    assert same_weights(resumed(cfg, **{'randomness.seed': None}), uninterrupted)


def test_no_past_batch_is_loaded_again(run_config: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    cfg = run_config('cut')
    interrupt(cfg, 4)
    positions = []
    from udas_mmseg.datasets import StreamDataset
    real = StreamDataset.__getitem__
    monkeypatch.setattr(StreamDataset, '__getitem__', lambda self, index: positions.append(index) or real(self, index))
    resumed(cfg)
    assert [tuple(index) for index in positions] == [(7, position) for position in range(8, 12)]


def test_validation_that_was_due_at_the_checkpoint_is_not_lost(run_config: Callable) -> None:
    checkpoint = dict(type='CheckpointHook', by_epoch=False, interval=2, save_best='mIoU')
    cfg = run_config('cut', default_hooks=dict(checkpoint=checkpoint))
    interrupt(cfg, 6)  # after the last checkpoint, before the last validation
    assert not list(Path(cfg.work_dir).glob('best_mIoU_iter_6.pth'))
    runner = resumed(cfg)
    assert runner.iter == 6
    assert 'val/mIoU' in runner.message_hub.log_scalars


def test_batch_size_may_change_on_resume(run_config: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    cfg = run_config('cut')
    interrupt(cfg, 4)
    runner = resumed(cfg, **{'train_dataloader.batch_size': 3})
    assert runner.message_hub.get_info('stream_position') == 4 * 2 + 2 * 3


def test_other_samplers_are_refused(run_config: Callable) -> None:
    cfg = run_config()
    cfg.train_dataloader.sampler = dict(type='InfiniteSampler')
    with pytest.raises(TypeError, match='PositionSampler'):
        train(cfg)
