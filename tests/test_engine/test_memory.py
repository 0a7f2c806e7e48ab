"""The key `memory` of a config, and the tiers in configs/_base_/memory."""
import os
from pathlib import Path
from typing import Any, Dict

import pytest
import torch
from mmengine.config import Config

from udas_mmseg.engine import config_run, memory
from udas_mmseg.engine.launch import load_config
from udas_mmseg.engine.memory import TIERS, apply_memory, memory_amp
from udas_mmseg.self_training import SelfTrainingRunner
from udas_mmseg.utils.project import PROJECT

CONFIGS = Path(PROJECT, 'configs')
DAFORMER = str(CONFIGS / 'daformer/daformer_mit-b5_40k_gta2cs-512x512.py')
UDA = str(CONFIGS / 'udas/gta2cs_uda.py')


def tiny(**changes: Any) -> Config:
    return Config({**dict(model=dict(type='EncoderDecoder', backbone=dict(type='ResNet', depth=18))), **changes})


def test_there_is_a_file_for_each_tier() -> None:
    assert sorted(path.stem for path in (CONFIGS / '_base_/memory').glob('*.py')) == sorted(TIERS)


@pytest.mark.parametrize('tier', TIERS)
def test_a_tier_in_base_or_in_options_changes_the_training(tier: str, tmp_path: Path) -> None:
    file = tmp_path / 'mine.py'
    file.write_text(f'_base_ = [{UDA!r}, {str(CONFIGS / "_base_/memory" / tier)!r} + ".py"]\n')
    below, by_option, plain = load_config(str(file)), load_config(UDA, cfg_options=dict(memory=tier)), load_config(UDA)
    assert below.model == by_option.model and below.optim_wrapper == by_option.optim_wrapper
    assert by_option.model.segmentor.backbone.get('with_cp', False) == (tier in ('8gb', '11gb'))
    assert by_option.memory == dict(amp='bfloat16' if tier == '80gb' else 'float16')
    assert by_option.train_dataloader == plain.train_dataloader  # has one image
    by_option.model.segmentor.backbone.pop('with_cp', None)
    assert by_option.model == plain.model


def test_accumulation_has_the_same_images_in_an_update_and_the_same_updates() -> None:
    plain, split = load_config(DAFORMER), load_config(DAFORMER, cfg_options=dict(memory=dict(accumulate=True)))
    assert plain.train_dataloader.batch_size == 2 and split.train_dataloader.batch_size == 1
    assert split.optim_wrapper.accumulative_counts == 2
    assert split.train_cfg.max_iters == 2 * plain.train_cfg.max_iters
    assert split.train_cfg.val_interval == 2 * plain.train_cfg.val_interval
    assert split.default_hooks.checkpoint.interval == 2 * plain.default_hooks.checkpoint.interval
    for before, after in zip(plain.param_scheduler, split.param_scheduler):
        assert (after.begin, after.end) == (2 * before.begin, 2 * before.end)
        assert before.get('start_factor') == after.get('start_factor')
    apply_memory(split)  # once more, as for a stage of self-training
    assert split.train_dataloader.batch_size == 1 and split.train_cfg.max_iters == 2 * plain.train_cfg.max_iters


def test_loss_terms_begin_at_the_same_update() -> None:
    cfg = tiny(memory=dict(accumulate=True), train_cfg=dict(max_iters=8), train_dataloader=dict(batch_size=4),
               optim_wrapper=dict(optimizer=dict(type='SGD'), accumulative_counts=3))
    cfg.model.terms = [dict(type='EntropyTerm', weight=dict(weight=0.5, begin=5, ramp=2))]
    apply_memory(cfg)
    assert cfg.model.terms[0].weight == dict(weight=0.5, begin=20, ramp=8)
    assert cfg.optim_wrapper.accumulative_counts == 12 and cfg.train_cfg.max_iters == 32


def test_several_optimizers_keep_their_batch() -> None:
    options = {'train_dataloader.batch_size': 2, 'memory': '8gb'}
    cfg = load_config(UDA, cfg_options=options)
    assert cfg.train_dataloader.batch_size == 2 and cfg.train_cfg.max_iters == 120000
    assert 'accumulative_counts' not in cfg.optim_wrapper.segmentor


def test_backbones_without_checkpointing_are_left_alone() -> None:
    for kind in ('ERFNet', 'Unknown'):
        cfg = tiny(memory='8gb')
        cfg.model.backbone = dict(type=kind)
        apply_memory(cfg)
        assert cfg.model.backbone == dict(type=kind)


@pytest.mark.parametrize(('value', 'message'), [
    ('12gb', "memory='12gb': allowed are 8gb, 11gb, 24gb, 80gb"), (dict(amp='half'), "memory.amp='half': allowed are"),
    (dict(batch=1), 'memory.batch=1: allowed are amp: None')])  # yapf: disable
def test_mistakes(value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        apply_memory(tiny(memory=value))


@pytest.mark.parametrize(('given', 'expected'), [(None, 'float16'), ('bfloat16', 'bfloat16')])
def test_mixed_precision_of_a_tier_needs_a_gpu_and_no_other_choice(given: Any, expected: str,
                                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    enabled = []
    monkeypatch.setattr(config_run, 'enable_amp', lambda cfg, dtype: enabled.append(dtype))
    monkeypatch.setattr(config_run, 'check_config', lambda *args: [])
    for name in ('prepare_load_from', 'try_validation', 'check_batches'):
        monkeypatch.setattr(config_run, name, lambda *args: [])
    for name in ('prepare_resume', 'init_distributed'):
        monkeypatch.setattr(config_run, name, lambda *args: None)
    for there_is_a_gpu in (False, True):
        monkeypatch.setattr(torch.cuda, 'is_available', lambda there=there_is_a_gpu: there)
        cfg = tiny(memory='11gb')
        apply_memory(cfg)
        assert memory_amp(cfg) == ('float16' if there_is_a_gpu else None)
        config_run.SingleTraining(cfg, given).prepare()
    assert enabled == ([expected, expected] if given else [expected])


def test_stages_of_self_training_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(os.environ, 'UDAS_DATA_ROOT', str(tmp_path))
    cfg = load_config(str(CONFIGS / 'udas/gta2cs_ssl_0.py'), str(tmp_path), dict(memory='11gb'))
    assert cfg.memory == '11gb'
    configs: Dict[str, Config] = SelfTrainingRunner.from_cfg(cfg).configs
    students = [config for config in configs.values() if config.model.type == 'StudentTeacherSegmentor']
    assert students and all(config.model.segmentor.backbone.with_cp for config in students)
    assert all(memory.memory_amp(config) is None or torch.cuda.is_available() for config in configs.values())
