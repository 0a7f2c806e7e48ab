"""Trying a training: what is found, and that nothing stays."""
from typing import Any, Callable, Dict

import pytest
import torch
from mmengine.config import Config
from mmseg.registry import MODELS
from torch import nn

from divisible import UNET
from tiny_runs import train
from udas_mmseg.datasets import StreamIndex
from udas_mmseg.engine import dry_run
from udas_mmseg.engine.dry_run import describe_parameters, try_training
from udas_mmseg.engine.training_samples import branches_of, draw_batch

SGD = dict(optimizer=dict(type='SGD', lr=0.01))


@pytest.fixture
def pair_config(run_config: Callable, labeled_config: Callable) -> Callable[..., Config]:
    """An adversarial run on two branches."""

    def make(**changes: Any) -> Config:
        cfg = run_config()
        target = labeled_config('target', 7)
        target.pop('label_map')
        target.update(data_prefix=dict(img_path='images'),
                      pipeline=[step for step in target['pipeline'] if step['type'] != 'LoadLabelIds'])
        cfg.train_dataloader.dataset = dict(type='DomainPairDataset', source=labeled_config(), target=target)
        small = dict(type='FCDiscriminator', base_channels=2, strides=(1, 1, 1, 1, 1))
        cfg.model = dict(type='AdversarialSegmentor', segmentor=cfg.model,
                         discriminators=dict(type='MultiLevelDiscriminator', discriminator=small))
        cfg.optim_wrapper = dict(constructor='PerChildOptimWrapperConstructor', segmentor=SGD, discriminators=SGD)
        cfg.merge_from_dict(changes)
        return cfg

    return make


def test_everything_is_tried_and_nothing_is_written(pair_config: Callable, tmp_path: Any) -> None:
    cfg = pair_config()
    cfg.train_dataloader.dataset.cache = dict(cache_dir=str(tmp_path / 'cache'), full_size=True)
    before = sorted(tmp_path.rglob('*'))
    trial = try_training(cfg)
    text = '\n'.join(trial.lines)
    total = sum(parameter.numel() for parameter in MODELS.build(cfg.model).parameters())
    assert f'parameters: {total:,}, {total:,} of them trained: segmentor ' in text and ', discriminators ' in text
    assert 'training: loss ' in text and 's an iteration on the CPU (median of 5 after the first' in text
    assert '2 validations of 5 images' in text, 'at 3 and 6 of 6 iterations'
    assert 'GiB, the peak of this process' in text and 'whole training: 6 iterations' in text
    assert trial.seconds > 0 and trial.picture.shape[1] >= 800
    assert sorted(tmp_path.rglob('*')) == before


def test_the_picture_shows_the_first_batch_of_the_training(pair_config: Callable,
                                                           monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: Dict[str, list] = {}
    monkeypatch.setattr(dry_run, 'draw_batch', lambda batch, dataset: drawn.update(
        {name: part['inputs'] for name, part in batch.items()}) or draw_batch(batch, dataset))
    cfg = pair_config()
    try_training(cfg)
    for name, stream in branches_of(cfg.train_dataloader.dataset, 'train').items():
        expected = [stream[StreamIndex(7, position)]['inputs'] for position in range(2)]
        assert all(torch.equal(ours, theirs) for ours, theirs in zip(drawn[name], expected))


def test_the_first_iteration_is_that_of_the_training(run_config: Callable) -> None:
    """Same data, same seeds, same initial weights: the same loss."""
    cfg = run_config(max_iters=1)
    loss = next(line for line in try_training(cfg).lines if line.startswith('training')).split()[2].rstrip(';')
    cfg.default_hooks.logger = dict(type='LoggerHook', interval=1, log_metric_by_epoch=False)
    expected = train(cfg).message_hub.get_scalar('train/loss').data[0][0]
    assert float(loss) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(('train_cfg', 'count'), [
    (dict(max_iters=10, val_interval=4), 3),
    (dict(max_iters=8, val_interval=4), 2),
    (dict(max_iters=10, val_interval=3, val_begin=6), 3),
    (dict(max_iters=5, val_interval=1000), 1),
    (dict(max_iters=3000), 3),
    (dict(max_epochs=4, val_interval=3, by_epoch=True), 2),
])
def test_validations_are_counted(train_cfg: dict, count: int) -> None:
    cfg = Config(dict(train_cfg=train_cfg))
    assert dry_run._validations(cfg, train_cfg.get('max_iters', 100)) == count


def test_validations_are_those_of_the_loop(run_config: Callable) -> None:
    cfg = run_config(max_iters=5)
    cfg.train_cfg.update(val_interval=2, val_begin=2)
    scores = train(cfg).message_hub.get_scalar('val/mIoU').data[0]
    assert dry_run._validations(cfg, 5) == len(scores) == 3


@pytest.mark.parametrize(('changes', 'message'), [
    (dict(model__decode_head__in_channels=7), r'iteration 1 of the training fails: RuntimeError: .*\(conv\.py, line'),
    (dict(optim_wrapper__optimizer__lr=float('inf')), r'the loss is not finite at iteration 2: .*learning rate'),
])  # yapf: disable
def test_a_training_that_fails_is_an_error(run_config: Callable, changes: Dict[str, Any], message: str) -> None:
    cfg = run_config()
    cfg.merge_from_dict({key.replace('__', '.'): value for key, value in changes.items()})
    with pytest.raises(ValueError, match=message):
        try_training(cfg)


def test_weights_that_would_be_downloaded_are_named(run_config: Callable) -> None:
    cfg = run_config()
    cfg.model.backbone.init_cfg = dict(type='Pretrained', checkpoint='torchvision://resnet18')
    assert 'not loaded in a dry run: torchvision://resnet18' in try_training(cfg).lines


def test_frozen_parts_and_teachers_are_counted_apart() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    model[0].requires_grad_(False)
    assert describe_parameters(model) == '13, 4 of them trained: 0 9, 1 4'
    student = MODELS.build(dict(type='StudentTeacherSegmentor', segmentor=UNET, ema_teacher=dict()))
    count = sum(parameter.numel() for parameter in student.segmentor.parameters())
    assert describe_parameters(student).endswith(f'segmentor {count:,}; besides these the teacher, {count:,}, a moving '
                                                 'average')


def test_a_config_with_mmengines_own_loop_and_sampler(run_config: Callable, labeled_config: Callable) -> None:
    cfg = run_config(val_cfg=None, val_dataloader=None, val_evaluator=None)
    cfg.train_cfg = dict(type='IterBasedTrainLoop', max_iters=4)
    cfg.train_dataloader.sampler = dict(type='InfiniteSampler', shuffle=True)
    cfg.train_dataloader.dataset = labeled_config()
    trial = try_training(cfg)
    assert [line.split(':')[0] for line in trial.lines] == ['parameters', 'training', 'memory', 'whole training']
