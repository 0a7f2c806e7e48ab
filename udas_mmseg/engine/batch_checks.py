"""Checks of batches that would fail after a while: one image with batch norm, and images of several sizes."""
import os
import warnings
from typing import Any, Dict, List, Tuple

import torch
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmseg.registry import DATASETS
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..datasets.image_files import image_size
from ..models.predictor import predictor_of
from ..models.segmentors.branches import heads_of
from ..models.trained import build_untrained, has_segmentor
from ..utils.config_dicts import config_dicts
from ..utils.randomness import seeded_rng

_SIDE = 128  # pixels of the trial image; larger than the strides of the usual networks
_NUM_LOADED = 8  # images of different sizes that are loaded


def check_batches(cfg: Config) -> List[str]:
    """Check the batches of a training and of its validation.

    Args:
        cfg (Config): Config of a training; it is not changed.

    Returns:
        list[str]: Warnings.

    Raises:
        ValueError: if a training step or the validation would fail; see `check_batch_norm` and `check_image_sizes`.
    """
    if cfg.get('val_cfg') is not None:
        check_image_sizes(cfg, 'val_dataloader')
    return check_batch_norm(cfg)


def check_batch_norm(cfg: Config) -> List[str]:
    """Check that batch norm can be trained with the batch size of a process.

    With one image, a layer on a feature map of one pixel (as after the image pooling of an ASPP) has one value in each
    channel, and torch refuses to normalise it. Other layers work, but normalise with the statistics of one image.

    Args:
        cfg (Config): Config of a training.

    Returns:
        list[str]: A warning if layers are trained with the statistics of one image; otherwise nothing.

    Raises:
        ValueError: naming the first layer that has one value in each channel.
    """
    if (cfg.get('train_dataloader') or {}).get('batch_size') != 1 or not has_segmentor(cfg) or _has_sync_norm(cfg):
        return []
    with seeded_rng('batch norm'), warnings.catch_warnings():
        warnings.simplefilter('ignore')  # those of the model belong to the training
        model = build_untrained(cfg)
        if getattr(model, 'joint_forward', False):  # the branches are one batch
            return []
        segmentor = predictor_of(model).train()
        layers = {layer: name for name, layer in segmentor.named_modules()
                  if isinstance(layer, _BatchNorm) and layer.training}
        _normalise_one_image(segmentor, layers)
    if not layers:
        return []
    return [f'warning: train_dataloader.batch_size=1, so {len(layers)} layers of batch norm, such as '
            f'{next(iter(layers.values()))}, are trained with the statistics of one image. Their running statistics, '
            'with which the network predicts, will be noisy. Use at least 2 images, norm_eval=True in the backbone, or '
            'norm_cfg=dict(type="GN", num_groups=...) in the heads.']


def _has_sync_norm(cfg: Config) -> bool:
    """Whether several processes on GPUs normalise together."""
    if int(os.environ.get('WORLD_SIZE', 1)) == 1 or not torch.cuda.is_available():
        return False
    kinds = [part.get('type') for _, part in config_dicts(cfg.to_dict()['model'])]
    return bool(cfg.get('sync_bn')) or any(kind in ('SyncBN', 'MMSyncBN') for kind in kinds)


def _normalise_one_image(segmentor: nn.Module, layers: Dict[nn.Module, str]) -> None:
    """Pass one image through a segmentor in training, and name the layer that cannot normalise it."""
    entered: List[str] = []

    def enter(layer: nn.Module, inputs: Tuple[Any, ...]) -> None:
        if inputs[0].numel() == inputs[0].shape[1]:
            entered.append(layers[layer])
            raise ValueError
    for layer in layers:
        layer.register_forward_pre_hook(enter)
    try:
        with torch.no_grad():
            features = segmentor.extract_feat(torch.zeros(1, 3, _SIDE, _SIDE))
            for head in heads_of(segmentor).values():
                head(features)
    except Exception as error:  # a network that cannot process the trial image is checked by the validation
        if not entered:
            return
        raise ValueError(f'the training would fail: train_dataloader.batch_size=1, and the batch norm {entered[0]} has '
                         'one value in each channel, because its feature map is one pixel. Set train_dataloader.'
                         'batch_size=2 or more, or norm_cfg=dict(type="GN", num_groups=...) in this head.') from error


def check_image_sizes(cfg: Config, loader: str) -> None:
    """Check that the images of a batch have one size when a model is validated or tested.

    Args:
        cfg (Config): Config with `model`.
        loader (str): 'val_dataloader' or 'test_dataloader'.

    Raises:
        ValueError: if `batch_size` is above 1, and the images have several sizes when they reach the model.
            MMSegmentation's preprocessor refuses such a batch, even if it pads images (`test_cfg`).
    """
    settings = cfg.to_dict().get(loader) or {}
    batch_size, dataset_cfg = settings.get('batch_size', 1), settings.get('dataset')
    if batch_size == 1 or not dataset_cfg or not has_segmentor(cfg):
        return
    dataset = DATASETS.build(dataset_cfg)
    sizes: Dict[str, str] = {}  # size -> first image
    with seeded_rng('sizes'):
        for index in _differing(dataset):
            sample = dataset[index]
            height, width = sample['inputs'].shape[-2:]
            sizes.setdefault(f'{width}x{height}', str(sample['data_samples'].metainfo.get('img_path', index)))
    if len(sizes) > 1:
        found = ', '.join(f'{size} ({path})' for size, path in sizes.items())
        raise ValueError(f'{loader}.batch_size={batch_size}, but its images have several sizes (width x height) when '
                         f'they reach the model: {found}. Set {loader}.batch_size=1, or resize them to one size in '
                         f'{loader}.dataset.pipeline, before the labels are loaded.')


def _differing(dataset: BaseDataset) -> List[int]:
    """Return the indices of a few images whose files have different sizes, as stored or as displayed."""
    if getattr(dataset, 'backend_args', None) is not None:  # in remote storage
        return []
    found: Dict[Tuple[Any, ...], int] = {}
    for index in range(len(dataset)):  # all of them: a single other size stops the validation
        path = dataset.get_data_info(index)['img_path']
        found.setdefault((image_size(path, turned=False), image_size(path, turned=True)), index)
    return list(found.values())[:_NUM_LOADED]
