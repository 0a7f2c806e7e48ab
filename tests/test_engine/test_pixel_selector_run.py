"""A whole run of the pixel selector: resumed exactly, with the learning rates of heads."""
from pathlib import Path
from typing import Callable

import pytest
import torch
from mmengine.config import Config

from tiny_runs import interrupt, resumed, same_weights, train
from udas_mmseg.engine.initial_weights import prepare_load_from


@pytest.fixture
def selector_config(run_config: Callable, labeled_config: Callable, unlabeled_config: Callable
                    ) -> Callable[..., Config]:
    """The tiny run of `run_config` with labels for one half of the images, and the other half without."""

    def make(name: str = 'run', workers: int = 0, **changes: object) -> Config:
        cfg = run_config(name, workers)
        target = unlabeled_config()
        cfg.train_dataloader.dataset = dict(type='DomainPairDataset', pseudo_labeled=labeled_config(), target=target)
        cfg.model = dict(type='PixelSelector', segmentor=cfg.model, discrepancy_weight=dict(weight=1, begin=1, ramp=4))
        cfg.optim_wrapper.paramwise_cfg = dict(custom_keys=dict(decode_head=dict(lr_mult=10)))
        cfg.merge_from_dict(changes)
        return cfg

    return make


def test_resumed_run_has_the_same_classifiers_and_optimizer(selector_config: Callable) -> None:
    whole = train(selector_config('whole'))
    cfg = selector_config('cut', workers=2)
    interrupt(cfg, 5)  # one iteration after a checkpoint
    again = resumed(cfg)
    assert same_weights(again, whole)
    ours, expected = (runner.optim_wrapper.state_dict()['state'] for runner in (again, whole))
    assert len(expected) == len(list(whole.model.parameters()))
    assert all(torch.equal(ours[key]['momentum_buffer'], expected[key]['momentum_buffer']) for key in expected)
    rates = {id(group['params'][0]): group['lr'] for group in whole.optim_wrapper.optimizer.param_groups}
    backbone, *heads = (rates[id(next(part.parameters()))] for part in (
        whole.model.segmentor.backbone, whole.model.segmentor.decode_head, whole.model.second.decode_head))
    assert heads == pytest.approx([10 * backbone] * 2)
    assert {'train/pseudo_labeled.second.loss_ce', 'train/target.loss_discrepancy', 'train/target.discrepancy',
            'val/mIoU'} <= set(whole.message_hub.log_scalars)
    checkpoint = str(Path(whole.work_dir, 'iter_6.pth'))
    assert not prepare_load_from(Config(dict(selector_config('again'), load_from=checkpoint)))
    lines = prepare_load_from(Config(dict(model=whole.cfg.model.segmentor, load_from=checkpoint)))
    assert 'the checkpoint has two classifiers; the first (segmentor.*) is used' in lines[0]
