"""Tiny runs of MMEngine's Runner."""
from pathlib import Path
from typing import TYPE_CHECKING, Callable

import pytest

if TYPE_CHECKING:
    from mmengine.config import Config

NORM = dict(type='BN')


def head(channels: int, index: int) -> dict:
    return dict(type='DeepLabV2Head', in_channels=channels, in_index=index, num_classes=3, dilations=(1, 2))


@pytest.fixture
def run_config(labeled_config: Callable, tmp_path: Path) -> Callable[..., 'Config']:
    """Config of a tiny run with a momentum optimizer, a schedule, validations and checkpoints every two iterations."""
    from mmengine.config import Config

    def make(name: str = 'run', workers: int = 0, max_iters: int = 6, **changes: object) -> 'Config':
        val = dict(labeled_config(), test_mode=True,
                   pipeline=[dict(type='LoadVerifiedImage'), dict(type='LoadLabelIds'), dict(type='PackSegInputs')])
        backbone = dict(type='ResNet', depth=18, base_channels=4, stem_channels=4, strides=(1, 2, 1, 1),
                        dilations=(1, 1, 2, 4), norm_cfg=NORM)
        # FCNHead has dropout: the model itself draws random numbers
        auxiliary = dict(type='FCNHead', in_channels=16, in_index=2, channels=4, num_classes=3, norm_cfg=NORM)
        cfg = dict(
            default_scope='mmseg',
            work_dir=str(tmp_path / name),
            # MMEngine hands out what has the same name again: unique in the whole session
            experiment_name=f'{tmp_path.name}_{name}_{len(list(tmp_path.iterdir()))}',
            model=dict(type='MultiLevelEncoderDecoder', data_preprocessor=dict(type='DomainDataPreProcessor'),
                       backbone=backbone, decode_head=head(32, 3), auxiliary_head=auxiliary, train_cfg=dict(),
                       test_cfg=dict(mode='whole')),
            train_dataloader=dict(batch_size=2, num_workers=workers, sampler=dict(type='PositionSampler'),
                                  dataset=dict(type='StreamDataset', dataset=labeled_config())),
            val_dataloader=dict(batch_size=1, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=True),
                                dataset=val),
            val_evaluator=dict(type='SubsetIoUMetric'),
            train_cfg=dict(type='PositionTrainLoop', max_iters=max_iters, val_interval=3),
            val_cfg=dict(),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.01, momentum=0.9)),
            param_scheduler=[dict(type='PolyLR', power=0.9, end=8, by_epoch=False)],
            default_hooks=dict(checkpoint=dict(type='CheckpointHook', by_epoch=False, interval=2)),
            custom_hooks=[dict(type='CheckFiniteLossHook')],
            randomness=dict(seed=7),
            log_processor=dict(by_epoch=False),
            log_level='WARNING')  # yapf: disable
        cfg.update(changes)
        return Config(cfg)

    return make
