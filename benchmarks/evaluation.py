"""Evaluation in training (`Runner.val`: loading, prediction at the size of the labels, metric) against the forward.

The config is configs/udas/gta2cs_source_only.py with random weights; on the CPU, everything is half as wide and high.
"""
import contextlib
import io
import os
import os.path as osp
import tempfile
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple
from unittest import mock

import torch
from measuring import Row, compared, costs, images_a_second
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.runner import Runner
from mmseg.registry import DATASETS
from pseudo_labeling import DEVICE, ROOT, wait
from torch import nn

from udas_mmseg.engine.launch import load_config
from udas_mmseg.scenes import write_cityscapes

CONFIG = osp.join(ROOT, 'configs/udas/gta2cs_source_only.py')
FILE, SEEN = ((2048, 1024), (640, 360)) if DEVICE == 'cuda' else ((1024, 512), (320, 180))  # width, height
FILES, DRAWN = (256, 32) if DEVICE == 'cuda' else (3, 3)
WORKERS = 12 if DEVICE == 'cuda' else 2


def write_files(root: str, files: int, size: Tuple[int, int]) -> None:
    """Drawn scenes with labels as validation images; files beyond `DRAWN` hold the same."""
    write_cityscapes(osp.join(root, 'cityscapes'), 1, min(files, DRAWN), size=size, progress=False)
    for part in ('leftImg8bit', 'gtFine'):
        drawn = sorted(path for path in Path(root, 'cityscapes', part, 'val').rglob('*.png')
                       if part == 'leftImg8bit' or path.name.endswith('labelIds.png'))
        for number in range(len(drawn), files):
            path = drawn[number % len(drawn)]
            os.link(path, path.with_name(f'again{number:05d}_{path.name}'))


def config(root: str, seen: Tuple[int, int], workers: int) -> Config:
    """The config for files below `root` and images of (width, height)."""
    with mock.patch.dict(os.environ, UDAS_DATA_ROOT=root):
        cfg = load_config(CONFIG, osp.join(root, 'run'), dict(log_level='ERROR', visualizer=None, vis_backends=None))
    cfg.model.backbone.init_cfg = None
    cfg.merge_from_dict({'val_dataloader.num_workers': workers, 'val_dataloader.persistent_workers': workers > 0})
    for transform in cfg.val_dataloader.dataset.pipeline:
        if 'scale' in transform:
            transform['scale'] = seen
    for key in ('train_dataloader', 'train_cfg', 'optim_wrapper', 'param_scheduler', 'test_dataloader', 'test_cfg',
                'test_evaluator', 'visualizer', 'vis_backends'):
        cfg.pop(key)
    for hook in ('visualization', 'panels'):
        cfg.default_hooks.pop(hook)
    cfg.default_hooks['checkpoint'] = None
    cfg.custom_hooks = []
    return cfg


class Evaluation:
    """A validation; its workers start in the first one, which is not measured."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner

    def __call__(self) -> Dict[str, float]:
        with quiet():
            return self.runner.val()


class Bare:
    """The model alone, on the same images in memory and preprocessed: its logits."""

    def __init__(self, runner: Runner, cfg: Config) -> None:
        self.model: nn.Module = runner.model
        dataset: Any = DATASETS.build(cfg.val_dataloader.dataset)
        self.batches: List[Dict[str, Any]] = [
            self.model.data_preprocessor(pseudo_collate([dataset[index]]), False) for index in range(len(dataset))]

    @torch.no_grad()
    def __call__(self) -> None:
        self.model.eval()
        for batch in self.batches:
            self.model.inference(batch['inputs'], [sample.metainfo for sample in batch['data_samples']])
        wait()


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without the tables of a validation."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def throughput(files: int = FILES, size: Tuple[int, int] = FILE, seen: Tuple[int, int] = SEEN, workers: int = WORKERS,
               rounds: int = 5, **model: Any) -> Row:
    """Images a second from files to scores, and the time as a share of that of the forward."""
    with tempfile.TemporaryDirectory() as root:
        write_files(root, files, size)
        cfg = config(root, seen, workers)
        cfg.merge_from_dict({f'model.{key}': value for key, value in model.items()})
        with quiet():
            runner = Runner.from_cfg(cfg)
        bare, ours = costs([Bare(runner, cfg), Evaluation(runner)], rounds)
    return compared(f'evaluation of {files} labelled files {size[0]}x{size[1]}, seen at {seen[0]}x{seen[1]}, '
                    'DeepLabv2 on ResNet-101, images/s', bare, ours, 'bare forward', 'ratio <= 1.1', share=True,
                    unit=images_a_second(files))


def run() -> List[Row]:
    """All figures of this file."""
    return [throughput()]
