"""A validation that would fail at the end fails at the start, with the setting that is to blame."""
import random
from typing import Any, Callable, Dict

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.evaluator import BaseMetric
from mmseg.registry import METRICS

from divisible import UNET
from udas_mmseg.engine.config_run import SingleTraining
from udas_mmseg.engine.trial_validation import try_validation

LOAD, IDS, PACK = dict(type='LoadVerifiedImage'), dict(type='LoadLabelIds'), dict(type='PackSegInputs')


@METRICS.register_module(force=True)
class BrokenMetric(BaseMetric):
    """Fails when it is computed, as at the end of a validation."""

    def process(self, data_batch: Any, data_samples: Any) -> None:
        self.results.append(1)

    def compute_metrics(self, results: list) -> dict:
        raise ZeroDivisionError('no pixels')


def changed(cfg: Config, **changes: Any) -> Config:
    cfg.merge_from_dict({key.replace('__', '.'): value for key, value in changes.items()})
    return cfg


def test_a_good_validation_leaves_no_traces(run_config: Callable, capsys: pytest.CaptureFixture) -> None:
    cfg = run_config()
    before = cfg.to_dict(), random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    assert try_validation(cfg) == ['val_dataloader: the first batch was predicted and scored, 32x16 pixels']
    assert cfg.to_dict() == before[0] and random.getstate() == before[1]
    assert np.random.get_state()[1].tolist() == before[2] and torch.equal(torch.get_rng_state(), before[3])
    assert capsys.readouterr() == ('', '')


def test_groups_need_not_be_in_the_first_batch(run_config: Callable) -> None:
    groups = dict(pattern=r'/(\w)[^/]*$', not_in_mean=['z'])
    cfg = changed(run_config(), val_evaluator=dict(type='SubsetIoUMetric', groups=groups),
                  default_hooks__checkpoint__save_best='mIoU/z')
    assert try_validation(cfg)
    cfg.val_evaluator.groups.pattern = '/(night)/'
    with pytest.raises(ValueError, match='belongs to no group'):
        try_validation(cfg)


@pytest.mark.parametrize('key', ['val_cfg', 'val_dataloader', 'val_evaluator'])
def test_without_validation_nothing_is_tried(run_config: Callable, key: str) -> None:
    cfg = run_config()
    cfg[key] = None
    assert try_validation(cfg) == []


@pytest.mark.parametrize(('changes', 'message'), [
    (dict(model__test_cfg=dict(mode='slides')), r"model\.test_cfg\.mode='slides': allowed are whole, slide"),
    (dict(model__test_cfg=dict(mode='slide', crop_size=(8, 8))), r'model\.test_cfg\.stride=None: mode="slide" needs'),
    (dict(model__test_cfg=dict(mode='slide', crop_size=8, stride=4)), r'model\.test_cfg\.crop_size=8: mode="slide"'),
    (dict(model__test_cfg=dict(mode='slide', crop_size=(8, 8), stride=(4, 9))),
     r'model\.test_cfg\.stride=\(4, 9\) is larger than crop_size=\(8, 8\), so the windows would leave out pixels'),
    (dict(val_dataloader__dataset__pipeline=[LOAD, dict(type='Resize', scale=(0, 0)), PACK]),
     r'val_dataloader cannot load its first image: '),
    (dict(val_dataloader__dataset__pipeline=[LOAD, PACK]),
     r'val_evaluator \(SubsetIoUMetric\) cannot score the first image: .*The images have no labels: add LoadLabelIds'),
    (dict(val_dataloader__dataset__pipeline=[LOAD, IDS, dict(type='Resize', scale=(16, 8)), PACK]),
     r'the label of .*\.png has 16x8 pixels, but predictions have .* 32x16\. .* load labels after'),
    (dict(val_evaluator=[dict(type='IoUMetric'), dict(type='BrokenMetric')]),
     r'val_evaluator\[1\] \(BrokenMetric\) cannot score the first image: ZeroDivisionError: no pixels'),
    (dict(val_evaluator=dict(type='SubsetIoUMetric', subsets=dict(some=['sky']))), r"subset 'some' names \['sky'\]"),
    (dict(default_hooks__checkpoint__save_best='miou'),
     r"checkpoint\.save_best='miou', but val_evaluator gives no such score\. Its scores: IoU/.*mIoU"),
    (dict(model__decode_head__num_classes=4, model__auxiliary_head__num_classes=4),
     r'predicts 4 classes, .* has 3: .*Correct `num_classes` of the heads'),
])  # yapf: disable
def test_the_setting_is_named(run_config: Callable, changes: Dict[str, Any], message: str) -> None:
    cfg = changed(run_config(), **changes)
    with pytest.raises(ValueError, match=f'^the validation would fail: .*{message}'):
        try_validation(cfg)


@pytest.mark.parametrize('key', ['mIoU', 'auto', 'IoU/other', ['mIoU', 'mAcc']])
def test_scores_that_exist_are_accepted_for_the_best_checkpoint(run_config: Callable, key: Any) -> None:
    assert try_validation(changed(run_config(), default_hooks__checkpoint__save_best=key))


def test_windows_larger_than_the_image_are_fine(run_config: Callable) -> None:
    windows = dict(mode='slide', crop_size=(64, 64), stride=(32, 32))
    assert try_validation(changed(run_config(), model__test_cfg=windows))


def test_batches_of_several_sizes_are_named(run_config: Callable, image_folder: Callable) -> None:
    cfg = run_config()
    cfg.val_dataloader.batch_size = 2
    cfg.val_dataloader.dataset.pipeline.insert(
        1, dict(type='RandomResize', scale=(32, 16), ratio_range=(0.3, 3), keep_ratio=False))
    with pytest.raises(ValueError, match='must have one size: set val_dataloader.batch_size=1'):
        try_validation(cfg)


def test_networks_that_need_a_divisor_get_the_line_that_pads(run_config: Callable) -> None:
    cfg = run_config(model=UNET)
    cfg.val_dataloader.dataset.pipeline.insert(1, dict(type='Resize', scale=(34, 18), keep_ratio=False))
    with pytest.raises(ValueError, match=r'images of 34x18 pixels .*AssertionError.*padded to a multiple of 4: set '
                       r'model\.data_preprocessor\.test_cfg=dict\(size_divisor=4\)'):
        try_validation(cfg)
    cfg.model.data_preprocessor.test_cfg = dict(size_divisor=4)
    assert try_validation(cfg)


@pytest.mark.parametrize('place', ['data_preprocessor', 'model.data_preprocessor', 'model.segmentor.data_preprocessor'])
def test_the_preprocessor_is_found_where_it_is(run_config: Callable, place: str) -> None:
    segmentor = {key: value for key, value in UNET.items() if key != 'data_preprocessor'}
    cfg = run_config(model=dict(type='BranchSegmentor', segmentor=segmentor))
    cfg.val_dataloader.dataset.pipeline.insert(1, dict(type='Resize', scale=(34, 18), keep_ratio=False))
    cfg.merge_from_dict({place: UNET['data_preprocessor']})
    with pytest.raises(ValueError, match=rf'set {place}\.test_cfg=dict\(size_divisor=4\)'):
        try_validation(cfg)


def test_training_does_not_start(run_config: Callable) -> None:
    cfg = changed(run_config(), model__test_cfg=dict(mode='slide', crop_size=(8, 8), stride=(9, 9)))
    with pytest.raises(ValueError, match='the validation would fail'):
        SingleTraining(cfg).prepare()
