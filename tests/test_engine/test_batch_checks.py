"""Batches that would fail in training or at the first validation are found before the training starts."""
from pathlib import Path
from typing import Any, Callable

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image

from udas_mmseg.engine.batch_checks import check_batch_norm, check_batches, check_image_sizes
from udas_mmseg.engine.config_run import SingleTraining
from udas_mmseg.engine.launch import build_runner

NORM = dict(type='BN')
ASPP = dict(type='ASPPHead', in_channels=32, in_index=3, channels=4, dilations=(1, 2), num_classes=3, norm_cfg=NORM)


def one_image(cfg: Config, **model: Any) -> Config:
    cfg.train_dataloader.batch_size = 1
    cfg.merge_from_dict({f'model.{key}': value for key, value in model.items()})
    return cfg


def test_a_pooled_layer_with_one_image_is_named(run_config: Callable) -> None:
    cfg = one_image(run_config())
    cfg.model.decode_head = ASPP
    message = r'the batch norm decode_head\.image_pool\.1\.bn has one value in each channel.*batch_size=2'
    with pytest.raises(ValueError, match=message):
        SingleTraining(cfg).prepare()
    cfg.model.decode_head = {**ASPP, 'norm_cfg': dict(type='GN', num_groups=2)}
    assert 'trained with the statistics of one image' in check_batch_norm(cfg)[0]  # the backbone's
    cfg.train_dataloader.batch_size = 2
    cfg.model.decode_head = ASPP
    assert check_batch_norm(cfg) == []


def test_the_error_is_what_torch_would_raise_in_training(run_config: Callable) -> None:
    cfg = one_image(run_config())
    cfg.model.decode_head = ASPP
    with pytest.raises(ValueError, match='Expected more than 1 value per channel'):
        SingleTraining(cfg).train()


def test_statistics_of_one_image_are_said_unless_they_are_frozen(run_config: Callable) -> None:
    cfg, state = one_image(run_config()), torch.get_rng_state()
    before = cfg.to_dict()
    warning, = check_batches(cfg)
    assert warning.startswith('warning: train_dataloader.batch_size=1, so ') and 'backbone.bn1' in warning
    assert cfg.to_dict() == before and torch.equal(torch.get_rng_state(), state)
    cfg.model.backbone.norm_eval = True
    assert 'auxiliary_head' in check_batch_norm(cfg)[0]
    cfg.model.auxiliary_head = dict(type='DeepLabV2Head', in_channels=16, in_index=2, num_classes=3)
    assert check_batch_norm(cfg) == []


@pytest.mark.parametrize('loader', ['val_dataloader', 'test_dataloader'])
def test_validation_images_of_several_sizes_need_batches_of_one(run_config: Callable, loader: str) -> None:
    cfg = run_config()
    cfg.test_dataloader = cfg.val_dataloader
    prefix = cfg.val_dataloader.dataset
    images = sorted(Path(prefix.data_root or '', prefix.data_prefix['img_path']).rglob('*.png'))
    for folder, shape in ((images[-1], (24, 32, 3)), (label_of(cfg, images[-1]), (24, 32))):
        assert cv2.imwrite(str(folder), np.zeros(shape, np.uint8))
    check_image_sizes(cfg, loader)
    cfg[loader].batch_size = 2
    with pytest.raises(ValueError, match=rf'{loader}.batch_size=2, but .*: 32x16 \(.*\), 32x24 \(.*{images[-1].name}'):
        check_image_sizes(cfg, loader)
    cfg[loader].dataset.pipeline.insert(1, dict(type='Resize', scale=(32, 16), keep_ratio=False))
    check_image_sizes(cfg, loader)


def test_padding_does_not_make_one_size(run_config: Callable) -> None:
    """MMSegmentation's preprocessor compares the sizes before it pads."""
    cfg = run_config()
    cfg.val_dataloader.batch_size = 2
    cfg.val_dataloader.sampler.shuffle = False
    cfg.model.data_preprocessor.test_cfg = dict(size_divisor=8)
    image = min(Path(cfg.val_dataloader.dataset.data_root, 'images').iterdir())
    for path, shape in ((image, (24, 32, 3)), (label_of(cfg, image), (24, 32))):
        assert cv2.imwrite(str(path), np.zeros(shape, np.uint8))
    with pytest.raises(ValueError, match=r'val_dataloader\.batch_size=1'):
        check_image_sizes(cfg, 'val_dataloader')
    with pytest.raises(AssertionError, match='image size in a batch should be the same'):
        build_runner(cfg).val()


def test_turned_images_count_as_they_are_loaded(run_config: Callable) -> None:
    cfg = run_config()
    cfg.val_dataloader.batch_size = 2
    image = max(Path(cfg.val_dataloader.dataset.data_root, 'images').iterdir())
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(image).save(image, exif=exif)
    Image.open(label_of(cfg, image)).rotate(90, expand=True).save(label_of(cfg, image))
    with pytest.raises(ValueError, match=rf'32x16 .*, 16x32 \(.*{image.name}\)'):
        check_image_sizes(cfg, 'val_dataloader')


def label_of(cfg: Config, image: Path) -> Path:
    return Path(cfg.val_dataloader.dataset.data_root, 'labels', image.name)
