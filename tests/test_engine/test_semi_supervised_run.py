"""Whole runs of semi-supervised training: resumed exactly, in two processes, and a threshold that keeps nothing."""
from pathlib import Path
from typing import Any, Callable

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from tiny_runs import interrupt, resumed, same_weights, train, train_in_two_processes
from udas_mmseg.engine.hooks import KeptShareHook
from udas_mmseg.export.plain_config import export_state_dict


@pytest.fixture
def semi_config(run_config: Callable, labeled_config: Callable, unlabeled_config: Callable) -> Callable[..., Config]:
    """The tiny run of `run_config` as UniMatch V2, without a source."""

    def make(name: str = 'run', workers: int = 0, **changes: object) -> Config:
        cfg = run_config(name, workers)
        target = unlabeled_config()
        cfg.train_dataloader.dataset = dict(type='DomainPairDataset', labeled_target=labeled_config(), target=target)
        cfg.model = dict(
            type='SemiSupervisedSegmentor', segmentor=cfg.model, num_views=2, feature_dropout='complementary',
            label_views=2, ema_teacher=dict(momentum=0.9, labeling=dict(type='PixelWeightLabeling', threshold=0.3)))
        cfg.custom_hooks = [*cfg.custom_hooks, dict(type='EMATeacherHook'), dict(type='TeacherCollapseHook'),
                            dict(type='KeptShareHook')]
        cfg.merge_from_dict(changes)
        return cfg

    return make


def test_resumed_run_has_the_same_student_and_teacher_and_both_are_exported(semi_config: Callable) -> None:
    whole = train(semi_config('whole'))
    cfg = semi_config('cut', workers=2)
    interrupt(cfg, 5)  # one iteration after a checkpoint
    again = resumed(cfg)
    assert same_weights(again, whole) and int(again.model.teacher.steps) == 6
    assert {'train/labeled_target.decode.loss_ce', 'train/strong.decode.loss_ce', 'train/strong2.aux.loss_ce',
            'train/target.kept'} <= set(whole.message_hub.log_scalars)
    for by, network in (('student', whole.model.segmentor), ('teacher', whole.model.teacher.network)):
        exported = export_state_dict(whole.model.state_dict(), semi_config(by, **{'model.predict_with': by}))
        assert torch.equal(exported['backbone.conv1.weight'], network.backbone.conv1.weight)
    assert not torch.equal(whole.model.segmentor.backbone.conv1.weight,
                           whole.model.teacher.network.backbone.conv1.weight)


def test_two_processes_agree(semi_config: Callable, tmp_path: Path) -> None:
    """Without mixing and dropped channels, the sum of the losses of both is that of one."""
    still = {'model.segmentor.backbone.norm_eval': True, 'model.segmentor.auxiliary_head.norm_cfg': None,
             'model.segmentor.auxiliary_head.dropout_ratio': 0, 'model.mixing': None, 'model.augment': False,
             'model.feature_dropout': None, 'model.label_views': 1, 'model.teacher_norm': 'eval',
             'optim_wrapper.optimizer.lr': 1e-3}  # without normalisation, larger steps diverge on some processors
    cfg = semi_config('distributed', **still)
    cfg.model_wrapper_cfg = dict(type='BranchDistributedDataParallel', broadcast_buffers=False)
    code, output = train_in_two_processes(cfg, tmp_path)
    assert code == 0, output[-3000:]
    first, second = (torch.load(tmp_path / f'rank{rank}.pth')['weights'] for rank in (0, 1))
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    alone = train(semi_config('alone', **still, **{'train_dataloader.batch_size': 4})).model.state_dict()
    for name, value in first.items():
        assert torch.allclose(alone[name].float(), value.float(), atol=1e-5), name


def run_with(cfg: Config, hook: Hook) -> list:
    """Train with a hook. Returns the warnings."""
    cfg = cfg.copy()
    cfg.custom_hooks = cfg.custom_hooks[:-1]
    cfg.experiment_name += str(id(hook))
    runner = Runner.from_cfg(cfg)
    runner.register_hook(hook)
    warnings: list = []
    runner.logger.warning = warnings.append
    runner.train()
    return warnings


def test_a_threshold_that_keeps_nothing_is_noticed(semi_config: Callable) -> None:
    runs: Any = dict(patience=4, interval=2)
    nothing = semi_config('run', **{'model.ema_teacher.labeling.threshold': 1.})
    warning, = run_with(nothing, KeptShareHook(**runs))
    assert 'reached threshold=1.0 for less than 0.1 % of the target pixels, in the last 2 for 0.000 %' in warning
    assert run_with(semi_config('run'), KeptShareHook(**runs)) == []
    with pytest.raises(RuntimeError, match='Stopped at iteration 4: for 4 iterations, the teacher has reached'):
        run_with(nothing, KeptShareHook(action='stop', **runs))


def test_the_hook_checks_its_arguments_and_the_model(semi_config: Callable) -> None:
    for options, message in ((dict(min_share=0), 'min_share=0'), (dict(interval=600), 'interval=600 and patience=500'),
                             (dict(action='halt'), "action='halt'; allowed are")):
        with pytest.raises(ValueError, match=f'KeptShareHook: {message}'):
            KeptShareHook(**options)
    cfg = semi_config('other')
    cfg.model = cfg.model.segmentor
    cfg.train_dataloader.dataset = dict(type='StreamDataset', dataset=cfg.train_dataloader.dataset.labeled_target)
    cfg.custom_hooks = [dict(type='KeptShareHook')]
    with pytest.raises(ValueError, match='a MultiLevelEncoderDecoder has no teacher whose labels are kept'):
        train(cfg)
