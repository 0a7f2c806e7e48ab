"""Mistakes in the data of a semi-supervised config are named before the training."""
from pathlib import Path

import pytest
from mmengine.config import Config
from mmseg.registry import DATASETS

from config_data import CONFIGS
from udas_mmseg.datasets.preflight import check_config
from udas_mmseg.engine.launch import load_config


def demo(folder: Path, **changes: object) -> Config:
    cfg = load_config(str(CONFIGS / 'demo/cps.py'), cfg_options=dict(budget=1))
    cfg.pop('budget')  # so that a data set may have another number
    for branch in ('labeled_target', 'target'):
        cfg.train_dataloader.dataset[branch].list_dir = str(folder)
    cfg.merge_from_dict(changes)
    return cfg


def test_without_a_mistake_the_data_fit(tmp_path: Path) -> None:
    assert check_config(demo(tmp_path))


def test_more_labels_than_images_are_refused(tmp_path: Path) -> None:
    cfg = demo(tmp_path, **{f'train_dataloader.dataset.{branch}.n': 4 for branch in ('labeled_target', 'target')})
    with pytest.raises(ValueError, match='n=4 is more than the 3 images found: allowed are 1-3'):
        check_config(cfg)


def test_an_image_that_is_labelled_and_unlabelled_is_refused(tmp_path: Path) -> None:
    cfg = demo(tmp_path, **{'train_dataloader.dataset.labeled_target.n': 2})
    with pytest.raises(ValueError, match='1 images are both in the labelled list .* and in the unlabelled list'):
        DATASETS.build(cfg.train_dataloader.dataset)
