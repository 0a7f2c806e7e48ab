"""Whole runs of VFM-UDA's method on a vision transformer: resumed exactly, and in two processes."""
from pathlib import Path
from typing import Callable

import pytest
import torch
from mmengine.config import Config

from tiny_runs import interrupt, resumed, same_weights, train, train_in_two_processes
from vit_models import backbone

UNLABELED = [dict(type='LoadVerifiedImage'), dict(type='RandomCrop', crop_size=(8, 16)), dict(type='PackSegInputs')]
PATCHES = dict(patch_size=4, img_size=(8, 16), init_values=1.0)


@pytest.fixture
def vfm_config(run_config: Callable, labeled_config: Callable, unlabeled_config: Callable) -> Callable[..., Config]:
    """The tiny run of `run_config` with a vision transformer, masked tokens and labels of flipped images."""

    def make(name: str = 'run', workers: int = 0, **changes: object) -> Config:
        cfg = run_config(name, workers)
        target = unlabeled_config(pipeline=UNLABELED)
        cfg.train_dataloader.dataset = dict(type='DomainPairDataset', source=labeled_config(), target=target)
        segmentor = dict(
            type='EncoderDecoder', data_preprocessor=cfg.model.data_preprocessor, train_cfg=dict(),
            test_cfg=dict(mode='whole'),
            backbone=backbone('vit_tiny_patch16_224', mask_token=True, drop_path_rate=0.3, model_kwargs=PATCHES),
            decode_head=dict(type='VFMUDAHead', in_channels=16, in_index=0, num_classes=3))
        cfg.model = dict(
            type='OnlineSelfTrainingSegmentor', segmentor=segmentor,
            terms=[dict(type='MaskedConsistencyTerm', mask='tokens')],
            ema_teacher=dict(momentum=0.9, flip=True, labeling=dict(type='PixelWeightLabeling', threshold=0.)))
        cfg.custom_hooks = [*cfg.custom_hooks, dict(type='EMATeacherHook')]
        cfg.optim_wrapper = dict(
            constructor='LayerDecayConstructor', optimizer=dict(type='AdamW', lr=1e-3),
            paramwise_cfg=dict(layer_decay=0.9))
        cfg.merge_from_dict(changes)
        return cfg

    return make


def test_resumed_run_has_the_same_student_and_teacher(vfm_config: Callable) -> None:
    whole = train(vfm_config('whole'))
    cfg = vfm_config('cut', workers=2)
    interrupt(cfg, 5)  # one iteration after a checkpoint
    again = resumed(cfg)
    assert same_weights(again, whole) and int(again.model.teacher.steps) == 6
    tokens = whole.model.segmentor.backbone.mask_token, whole.model.teacher.network.backbone.mask_token
    assert all(float(token.detach().abs().sum()) > 0 for token in tokens) and not torch.equal(*tokens)
    rates = {group['lr'] for group in whole.optim_wrapper.optimizer.param_groups}
    assert len(rates) == 5  # three blocks, what is before and what is after


@pytest.mark.slow
def test_two_processes_agree(vfm_config: Callable, tmp_path: Path) -> None:
    """Without mixing and chance, each image has the same label and loss in any process."""
    still = {'model.segmentor.backbone.drop_path_rate': 0., 'model.mixing': None, 'model.augment': False}
    terms = [dict(type='MaskedConsistencyTerm', mask='tokens', ratio=1.)]
    cfg = vfm_config('distributed', **still)
    cfg.model.terms = terms
    cfg.model_wrapper_cfg = dict(type='BranchDistributedDataParallel', broadcast_buffers=False)
    code, output = train_in_two_processes(cfg, tmp_path)
    assert code == 0, output[-3000:]
    first, second = (torch.load(tmp_path / f'rank{rank}.pth')['weights'] for rank in (0, 1))
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    cfg = vfm_config('alone', **still, **{'train_dataloader.batch_size': 4})
    cfg.model.terms = terms
    alone = train(cfg).model.state_dict()
    for name, value in first.items():
        assert torch.allclose(alone[name].float(), value.float(), atol=1e-4), name
