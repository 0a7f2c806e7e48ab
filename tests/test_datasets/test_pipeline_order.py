"""Labels that are loaded at the wrong place of a pipeline are refused by name."""
from typing import Any, Callable, List

import numpy as np
import pytest
from mmcv.transforms import Compose
from mmengine.config import Config
from mmseg.registry import DATASETS

from udas_mmseg.datasets.pipeline_order import check_order
from udas_mmseg.datasets.preflight import check_config

IMAGE, IDS, PACK = dict(type='LoadVerifiedImage'), dict(type='LoadLabelIds'), dict(type='PackSegInputs')
RESIZE, CROP = dict(type='Resize', scale=(64, 32)), dict(type='RandomCrop', crop_size=(16, 16))
FLIP, PAD = dict(type='RandomFlip', prob=0.5), dict(type='Pad', size_divisor=32)
COLOR, ROTATE = dict(type='PhotoMetricDistortion'), dict(type='RandomRotate', prob=1.0, degree=90)
NESTED = dict(type='RandomChoice', transforms=[[COLOR], [COLOR, RESIZE]])
WEAK = dict(type='SegRandAugment')


def mistake(pipeline: List[dict], is_scored: bool) -> str:
    try:
        check_order(Compose(pipeline), is_scored)
    except ValueError as error:
        return str(error)
    return ''


@pytest.mark.parametrize('pipeline', [
    [IMAGE, IDS, RESIZE, CROP, FLIP, COLOR, PACK], [IMAGE, COLOR, IDS, RESIZE, PACK], [IMAGE, RESIZE, CROP, PACK],
    [IMAGE, dict(type='LoadPseudoLabel'), WEAK, PACK], [IMAGE, dict(type='LoadAnnotations'), NESTED, PACK], [IDS],
])  # yapf: disable
def test_good_pipelines_of_training(pipeline: List[dict]) -> None:
    assert mistake(pipeline, is_scored=False) == ''


@pytest.mark.parametrize('pipeline', [
    [IMAGE, RESIZE, IDS, PACK], [IMAGE, IDS, PACK], [IMAGE, FLIP, IDS, PACK], [IMAGE, NESTED, IDS, COLOR, PACK],
    [IMAGE, CROP, PACK], [IMAGE, dict(type='ResizeToMultiple'), dict(type='LoadAnnotations'), PACK],
])  # yapf: disable
def test_good_pipelines_of_validation(pipeline: List[dict]) -> None:
    assert mistake(pipeline, is_scored=True) == ''


@pytest.mark.parametrize('pipeline, is_scored, message', [
    ([IDS, IMAGE, PACK], False, 'LoadLabelIds is before LoadVerifiedImage'),
    ([IDS, IMAGE, PACK], True, 'LoadLabelIds is before LoadVerifiedImage'),
    ([IMAGE, RESIZE, IDS, CROP, PACK], False, 'Resize is before LoadLabelIds.* directly after LoadVerifiedImage'),
    ([IMAGE, RESIZE, IDS, PACK], False, 'Resize is before LoadLabelIds'),
    ([IMAGE, FLIP, dict(type='LoadAnnotations'), PACK], False, 'RandomFlip is before LoadAnnotations'),
    ([IMAGE, NESTED, IDS, PACK], False, 'Resize is before LoadLabelIds'),
    ([IMAGE, WEAK, dict(type='LoadPseudoLabel'), PACK], False, 'SegRandAugment is before LoadPseudoLabel'),
    ([IMAGE, IDS, RESIZE, PACK], True, 'LoadLabelIds is before Resize.* after Resize, directly before PackSegInputs'),
    ([IMAGE, IDS, FLIP, PACK], True, 'LoadLabelIds is before RandomFlip'),
    ([IMAGE, IDS, PAD, PACK], True, 'LoadLabelIds is before Pad'),
    ([IMAGE, CROP, IDS, PACK], True, 'RandomCrop moves the pixels.* Remove RandomCrop'),
    ([IMAGE, PAD, IDS, PACK], True, r'Pad moves the pixels.*test_cfg=dict\(size_divisor'),
    ([IMAGE, ROTATE, IDS, PACK], True, 'RandomRotate moves the pixels'),
    ([IMAGE, WEAK, IDS, PACK], True, 'SegRandAugment moves the pixels'),
])  # yapf: disable
def test_the_wrong_step_is_named(pipeline: List[dict], is_scored: bool, message: str) -> None:
    with pytest.raises(ValueError, match=f'^pipeline: {message}'):
        check_order(Compose(pipeline), is_scored)


def config_of(labeled_config: Callable, loader: str, pipeline: List[Any]) -> Config:
    dataset = labeled_config(pipeline=pipeline)
    return Config({loader: dict(dataset=dict(type='StreamDataset', dataset=dataset))})


def test_the_check_before_a_run_tells_training_from_validation(labeled_config: Callable) -> None:
    after, before = [IMAGE, RESIZE, IDS, PACK], [IMAGE, IDS, RESIZE, PACK]
    check_config(config_of(labeled_config, 'train_dataloader', before))
    check_config(config_of(labeled_config, 'test_dataloader', after))
    with pytest.raises(ValueError, match='train_dataloader.dataset.dataset: pipeline: Resize is before LoadLabelIds'):
        check_config(config_of(labeled_config, 'train_dataloader', after))
    for loader in ('val_dataloader', 'test_dataloader'):
        with pytest.raises(ValueError, match=f'{loader}.dataset.dataset: pipeline: LoadLabelIds is before Resize'):
            check_config(config_of(labeled_config, loader, before))


def test_what_is_refused_would_be_wrong_in_silence(labeled_config: Callable) -> None:
    """After a resize of the image alone, a crop gives the label of other pixels."""
    size = dict(type='Resize', scale=(16, 8), keep_ratio=False)

    def first_label(pipeline: List[dict]) -> np.ndarray:
        np.random.seed(0)
        return DATASETS.build(labeled_config(pipeline=pipeline))[0]['data_samples'].gt_sem_seg.data.numpy()

    right, wrong = (first_label([IMAGE, *steps, dict(CROP, crop_size=(4, 8)), PACK])
                    for steps in ([IDS, size], [size, IDS]))
    assert right.shape == wrong.shape == (1, 4, 8) and (right != wrong).any()
