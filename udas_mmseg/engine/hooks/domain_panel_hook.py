"""A hook that draws the predictions on a few fixed images during training."""
import os.path as osp
from typing import Dict, List, Optional, Tuple

import cv2
import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import DATASETS, HOOKS
from torch import Tensor, nn
from torch.utils.data import Dataset

from ...models.max_confidence import confidence
from ...utils.indices import spread_evenly
from ...utils.predicting import predicting
from ...utils.processes import unwrap
from ...utils.randomness import seeded_rng
from ...visualization import add_legend, color_ramp, colorize, grid

_TITLES = ('image', 'prediction', 'confidence', 'truth')
_LEVELS = np.linspace(0, 1, 6, dtype=np.float32)  # confidences in the legend


@HOOKS.register_module()
class DomainPanelHook(Hook):
    """Draw the model's predictions on a few fixed images, every `interval` iterations and at the end.

    Each row shows an image, the prediction of the main head, its confidence (the highest softmax probability of each
    pixel) and, if the data set has labels, the ground truth. The picture is added to every backend of the visualizer:
    a file `vis_data/vis_image/<name>_<iteration>.png`, and TensorBoard.

    Drawing does not affect training: the model predicts in eval mode without gradients, the modes of its submodules and
    the random generators are restored, and only the first process draws, without communication with the others. The
    hook therefore works for models that are complete in each process (plain or DDP), but not for sharded models.

    Args:
        interval (int): Iterations between pictures. Defaults to 5000.
        num_images (int): Number of rows, evenly spaced in the data set; with several domains, rows of each domain.
            Defaults to 4.
        dataset (dict, optional): Config of a data set, shown as domain 'target', or a dict with a config for each
            domain. Labels are shown if its pipeline loads them. Defaults to the data set of `val_dataloader`.
        width (int): Width of an image in the picture, in pixels. Defaults to 384.
        name (str): Name of the picture. Defaults to 'domain_panel'.
        draw (bool): Whether to draw pictures. Defaults to True.

    Raises:
        ValueError: if `interval`, `num_images` or `width` is less than 1, or, before training, if there is no data set
            or it is empty.

    Example:
        >>> default_hooks = dict(panels=dict(type='DomainPanelHook', interval=1000))
        >>> default_hooks = dict(panels=dict(dataset=dict(source=_base_.source_val, target=_base_.target_val)))
    """
    priority = 'LOWEST'  # after CheckpointHook, so that an error in drawing does not cost a checkpoint

    def __init__(self,
                 interval: int = 5000,
                 num_images: int = 4,
                 dataset: Optional[dict] = None,
                 width: int = 384,
                 name: str = 'domain_panel',
                 draw: bool = True) -> None:
        for key, value in dict(interval=interval, num_images=num_images, width=width).items():
            if value < 1:
                raise ValueError(f'DomainPanelHook: {key}={value}: it must be 1 or more. To have no pictures, set '
                                 'draw=False.')
        self.interval = interval
        self.num_images = num_images
        self.dataset = dataset
        self.width = width
        self.name = name
        self.draw = draw
        self._datasets: Dict[str, Dataset] = {}
        self._last_step: Optional[int] = None

    def before_train(self, runner: Runner) -> None:
        """Open the data sets, so that a mistake is found now and not after `interval` iterations."""
        if self.draw and is_main_process():
            self._datasets = self._open_datasets(runner)

    def after_train_iter(self,
                         runner: Runner,
                         batch_idx: int,
                         data_batch: Optional[dict] = None,
                         outputs: Optional[dict] = None) -> None:
        """Draw if it is time."""
        if self.every_n_train_iters(runner, self.interval):
            self._add_picture(runner, runner.iter + 1)

    def after_train(self, runner: Runner) -> None:
        """Draw the final model, unless that was just done."""
        if self._last_step != runner.iter:
            self._add_picture(runner, runner.iter)

    def _open_datasets(self, runner: Runner) -> Dict[str, Dataset]:
        if self.dataset is not None:
            cfgs = {'target': self.dataset} if 'type' in self.dataset else self.dataset
            datasets = {domain: DATASETS.build(cfg) for domain, cfg in cfgs.items()}
        elif runner.val_loop is not None:
            datasets = {'target': runner.val_loop.dataloader.dataset}
        else:
            raise ValueError('DomainPanelHook has no images to draw: the config has no val_dataloader. Set '
                             'default_hooks.panels.dataset to the config of a data set, or switch the hook off with '
                             'default_hooks.panels.draw=False.')
        empty = [domain for domain, dataset in datasets.items() if len(dataset) == 0]
        if empty or not datasets:
            raise ValueError(f'DomainPanelHook has no images to draw: its data set {", ".join(empty)!r} is empty. '
                             'Check the `data_prefix`, `img_suffix` and `ann_file` of val_dataloader, or of '
                             'default_hooks.panels.dataset if it is set.')
        return datasets

    def _add_picture(self, runner: Runner, step: int) -> None:
        if not self._datasets:  # switched off, or not the first process
            return
        model = unwrap(runner.model)
        with predicting(model):
            picture = self._picture(model)
        runner.visualizer.add_image(self.name, cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), step)
        self._last_step = step

    def _picture(self, model: nn.Module) -> np.ndarray:
        """Return all rows and the legends: (H, W, 3) uint8 BGR."""
        rows, captions = self._rows(model)
        meta = self._metainfo
        columns = max(len(row) for row in rows)
        picture = add_legend(grid(rows, _TITLES[:columns], captions), meta['classes'], meta['palette'])
        names = [f'confidence {level:.1f}' for level in _LEVELS]
        return add_legend(picture, names, color_ramp(_LEVELS[None])[0, :, ::-1].tolist())

    @property
    def _metainfo(self) -> dict:
        return next(iter(self._datasets.values())).metainfo

    def _rows(self, model: nn.Module) -> Tuple[List[List[np.ndarray]], List[str]]:
        """Return a row for each image, and a caption for each row."""
        rows, captions = [], []
        for domain, dataset in self._datasets.items():
            for index in spread_evenly(len(dataset), self.num_images):
                with seeded_rng('panel', domain, index):  # the same picture even if the pipeline is random
                    sample = dataset[index]
                    rows.append(self._row(model, sample, domain))
                captions.append(f'{domain}: {osp.basename(sample["data_samples"].get("img_path", ""))}')
        return rows, captions

    def _row(self, model: nn.Module, sample: dict, domain: str) -> List[np.ndarray]:
        """Return the image, prediction, confidence and, if there is one, the ground truth, all of the same size."""
        result = model.test_step(pseudo_collate([sample]))[0]
        prediction, sure = _to_numpy(result.pred_sem_seg.data[0]), confidence(result.seg_logits.data)
        size = self.width, max(1, round(self.width * prediction.shape[0] / prediction.shape[1]))
        image = cv2.resize(_to_numpy(sample['inputs']).transpose(1, 2, 0), size, interpolation=cv2.INTER_AREA)
        labels = [prediction]
        if 'gt_sem_seg' in sample['data_samples']:
            labels.append(_to_numpy(sample['data_samples'].gt_sem_seg.data[0]))
        labels = [cv2.resize(label, size, interpolation=cv2.INTER_NEAREST) for label in labels]
        colored = [colorize(label, self._metainfo['palette']) for label in labels]
        ramp = color_ramp(cv2.resize(sure.cpu().numpy(), size, interpolation=cv2.INTER_AREA))
        return [image, colored[0], ramp, *colored[1:]]


def _to_numpy(tensor: Tensor) -> np.ndarray:
    """Convert 8-bit pixels or labels to NumPy."""
    return tensor.to(torch.uint8).cpu().numpy()
