"""Trying all trainings of a run before any stage has run."""
import copy
import gc
from typing import Any, Dict, List, Tuple

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.config import Config
from mmseg.registry import TRANSFORMS

from ..datasets.answered import is_answered
from ..datasets.transforms.loading import loads_labels
from ..datasets.unlabeled import is_pseudo_labeled, reads_products
from ..engine.dry_run import Trial, try_training
from ..utils.config_dicts import config_dicts
from ..utils.progress import clock
from ..visualization import grid
from .stage import RunContext, Stage
from .stage_config import without_products


@TRANSFORMS.register_module()
class StandInLabel(BaseTransform):
    """Adds a label of class 0, in place of a pseudo-label that no teacher has written yet."""

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Add `gt_seg_map` (H, W) uint8."""
        results['gt_seg_map'] = np.zeros(results['img'].shape[:2], np.uint8)
        results.setdefault('seg_fields', []).append('gt_seg_map')
        return results


def try_stages(context: RunContext) -> Tuple[List[str], List[np.ndarray]]:
    """Try each training with stand-ins for the files of earlier stages: original images and labels of class 0.

    Rounds with the same settings are tried once.

    Returns:
        tuple[list[str], list[np.ndarray]]: Findings, and a picture of the first batch of each training.

    Raises:
        ValueError: if a training fails that needs no stand-ins.
    """
    lines: List[str] = []
    pictures: List[np.ndarray] = []
    tried: List[Tuple[Stage, Trial]] = []
    seconds, unknown = 0.0, []
    for stage in (stage for stage in context.stages if stage.trains):
        same = next((pair for pair in tried if _alike(pair[0], stage)), None)
        if same is not None:
            lines += ['', f'{stage.name}: as {same[0].name}, about {clock(same[1].seconds)}']
            seconds += same[1].seconds
            continue
        cfg, missing = with_stand_ins(stage, context.configs[stage.name])
        note = f' (with {", ".join(missing)})' if missing else ''
        try:
            trial = try_training(cfg)
        except ValueError as error:
            if not missing:
                raise ValueError(f'{stage.name}: {error}') from error
            lines += ['', f'{stage.name}: could not be tried before earlier stages have run{note}: {error}']
            unknown.append(stage.name)
            continue
        finally:
            gc.collect()  # free its model before the next one is built
            if torch.cuda.is_initialized():
                torch.cuda.empty_cache()
        tried.append((stage, trial))
        lines += ['', f'{stage.name}{note}:', *(f'  {line}' for line in trial.lines)]
        pictures.append(grid([[trial.picture]], [f'{stage.name}{note}']))
        seconds += trial.seconds
    without = [stage.name for stage in context.stages if not stage.trains] + unknown
    lines += ['', f'all trainings: about {clock(seconds)}; not included: {", ".join(without) or "nothing"}']
    return lines, pictures


def with_stand_ins(stage: Stage, cfg: Config) -> Tuple[Config, List[str]]:
    """Return a config that can be trained before earlier stages have run, and descriptions of the stand-ins in it."""
    pipelines = [copy.deepcopy(part['pipeline']) for _, part in config_dicts(cfg.train_dataloader.to_dict())
                 if reads_products(part)]
    missing = ['original images for translations'] if 'translations' in stage.links else []
    before = [part for _, part in config_dicts(cfg.train_dataloader) if reads_products(part)]
    for reads, what in ((is_pseudo_labeled, 'pseudo-labels'), (is_answered, 'answers')):
        if any(reads(part) for part in before):
            missing.append(f'labels of class 0 for {what}')
    places = [place for place, part in config_dicts(cfg.train_dataloader) if any(part is one for one in before)]
    cfg = without_products(stage, cfg)
    parts = dict(config_dicts(cfg.train_dataloader))
    for place, pipeline in zip(places, pipelines):
        parts[place]['pipeline'] = [dict(type='StandInLabel') if loads_labels(step) else step for step in pipeline]
    return cfg, missing


def _alike(first: Stage, second: Stage) -> bool:
    """Whether two trainings have the same settings."""
    return all(getattr(first, key) == getattr(second, key) for key in ('kind', 'settings', 'options'))
