"""Trying a validation before a training starts, so that one that would fail does so now and not after hours."""
import contextlib
import copy
import os
import warnings
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

import torch
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.evaluator import Evaluator
from mmengine.logging import MMLogger
from mmengine.registry import EVALUATOR
from mmengine.runner import Runner
from mmseg.registry import DATASETS
from mmseg.structures import SegDataSample
from torch import nn

from ..datasets.image_groups import metrics_with_groups
from ..models.predictor import predictor_of
from ..models.trained import build_untrained
from ..utils.predicting import predicting
from ..utils.randomness import seeded_rng
from .prediction_settings import check_test_cfg, padding_advice, preprocessor_key, segmentor_key

_NEEDED = ('model', 'val_dataloader', 'val_evaluator')


def try_validation(cfg: Config) -> List[str]:
    """Predict and score the first batch of the validation images with an untrained model.

    Nothing is kept: the model is built for this call alone, and the random generators are restored. With a GPU, the
    model is there while it predicts.

    Args:
        cfg (Config): Config of a training; it is not changed.

    Returns:
        list[str]: A line about the images. Empty if the config has no validation.

    Raises:
        ValueError: if the images cannot be loaded, predicted or scored, or the best checkpoint is chosen by a score
            that does not exist. The message names the setting.
    """
    if not has_validation(cfg):
        return []
    with without_traces():
        batch, metainfo, _ = first_batch(cfg)
        model = build_untrained(cfg).to(_device())
        try:
            scores = score_batch(cfg, predict_batch(cfg, model, batch), batch, metainfo)
        finally:
            del model
            if torch.cuda.is_initialized():
                torch.cuda.empty_cache()
    _check_save_best(cfg, scores, metainfo.get('classes') or ())
    height, width = batch['inputs'][0].shape[-2:]
    return [f'val_dataloader: the first batch was predicted and scored, {width}x{height} pixels']


def has_validation(cfg: Config) -> bool:
    """Whether a training is validated."""
    return cfg.get('val_cfg') is not None and all(cfg.get(key) for key in _NEEDED)


@contextlib.contextmanager
def without_traces() -> Iterator[None]:
    """Restore the random generators, and show neither tables of scores nor warnings about scores of one image."""
    logger = MMLogger.get_current_instance()
    level = logger.level
    logger.setLevel('ERROR')
    try:
        with warnings.catch_warnings(), seeded_rng('validation'):
            warnings.simplefilter('ignore')
            yield
    finally:
        logger.setLevel(level)


def _device() -> torch.device:
    """The device of this process; torchrun tells which GPU it has."""
    if not torch.cuda.is_available():
        return torch.device('cpu')
    return torch.device('cuda', int(os.environ.get('LOCAL_RANK', 0)) % torch.cuda.device_count())


def first_batch(cfg: Config) -> Tuple[Dict[str, Any], Dict[str, Any], int]:
    """Load the first batch of the validation images in this process.

    Returns:
        tuple[dict, dict, int]: The batch, as the loader gives it; `metainfo` of the data set, and its length.

    Raises:
        ValueError: if it cannot be loaded.
    """
    loader = {key: value for key, value in cfg.to_dict()['val_dataloader'].items()
              if key not in ('batch_sampler', 'persistent_workers', 'prefetch_factor')}
    loader.update(num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False))
    loader.setdefault('batch_size', 1)
    kind = DATASETS.get(loader['dataset'].get('type'))
    if isinstance(kind, type) and issubclass(kind, BaseDataset):
        loader['dataset']['serialize_data'] = False  # it collects garbage, which takes half a second
    try:
        built = Runner.build_dataloader(loader)
        return next(iter(built)), dict(getattr(built.dataset, 'metainfo', None) or {}), len(built.dataset)
    except Exception as error:  # any transform may fail in its own way
        raise ValueError(f'the validation would fail: val_dataloader cannot load its first image: {_text(error)}. Does '
                         'val_dataloader.dataset.pipeline fit these images?') from error


def predict_batch(cfg: Config, model: nn.Module, batch: Dict[str, Any]) -> Sequence[Any]:
    """Predict a batch of validation images.

    Args:
        cfg (Config): Config of the training.
        model (nn.Module): Its model, on any device. Its modes are restored.
        batch (dict): See `first_batch`; it is not changed.

    Returns:
        Sequence: Predictions with the ground truth of the batch.

    Raises:
        ValueError: if the model cannot predict the images.
    """
    segmentor = predictor_of(model)
    check_test_cfg(getattr(segmentor, 'test_cfg', None), f'{segmentor_key(cfg)}.test_cfg')
    fp16 = bool((cfg.get('val_cfg') or {}).get('fp16'))
    with predicting(model):
        try:
            with torch.autocast(next(model.parameters()).device.type, enabled=fp16):
                outputs = model.val_step(copy.deepcopy(batch))
        except Exception as error:  # any network may fail in its own way
            sizes = sorted({'{1}x{0}'.format(*image.shape[-2:]) for image in batch['inputs']})
            advice = _advice(cfg, model, batch, error, sizes)
            raise ValueError(f'the validation would fail: the model cannot predict images of {", ".join(sizes)} pixels '
                             f'(width x height): {_text(error)}. {advice}') from error
    return outputs


def _advice(cfg: Config, model: nn.Module, batch: Dict[str, Any], error: Exception, sizes: Sequence[str]) -> str:
    """Return how to correct a prediction that failed."""
    if isinstance(error, torch.cuda.OutOfMemoryError):
        return ('Set val_dataloader.batch_size=1, or let the model predict windows: '
                f'{segmentor_key(cfg)}.test_cfg=dict(mode="slide", crop_size=..., stride=...).')
    if len(sizes) > 1:
        return 'Images of a validation batch must have one size: set val_dataloader.batch_size=1.'
    found = padding_advice(model, batch, preprocessor_key(cfg))
    return found or (f'Check {segmentor_key(cfg)}.test_cfg, and the size that val_dataloader.dataset.pipeline gives '
                     'images.')


def _check_output(output: SegDataSample, classes: Sequence[str]) -> None:
    """Check that a prediction has the classes of the data, and its label the size of the prediction."""
    count = output.seg_logits.data.shape[0] if 'seg_logits' in output else 0
    if classes and count > 1 and count != len(classes):
        raise ValueError(f'the validation would fail: the model predicts {count} classes, but the data set of '
                         f'val_dataloader has {len(classes)}: {classes}. Correct `num_classes` of the heads, or '
                         '`metainfo.classes`.')
    if 'gt_sem_seg' not in output or 'pred_sem_seg' not in output:
        return
    label, predicted = (tuple(output.get(key).data.shape[-2:]) for key in ('gt_sem_seg', 'pred_sem_seg'))
    if label != predicted:
        raise ValueError(f'the validation would fail: the label of {output.get("img_path")} has {label[1]}x{label[0]} '
                         f'pixels, but predictions have the size of the image in its file, '
                         f'{predicted[1]}x{predicted[0]}. In val_dataloader.dataset.pipeline, load labels after the '
                         'transforms that change the size of the image.')


def score_batch(cfg: Config, outputs: Sequence[Any], batch: Dict[str, Any],
                metainfo: Dict[str, Any]) -> Dict[str, Any]:
    """Score predictions with each metric, without writing files.

    Args:
        cfg (Config): Config of the training.
        outputs (Sequence): See `predict_batch`.
        batch (dict): See `first_batch`.
        metainfo (dict): See `first_batch`.

    Returns:
        dict: Name -> score.

    Raises:
        ValueError: if predictions do not fit labels or classes, or a metric fails.
    """
    for output in outputs:
        if isinstance(output, SegDataSample):
            _check_output(output, tuple(metainfo.get('classes') or ()))
    given = cfg.to_dict()['val_evaluator']
    scores: Dict[str, Any] = {}
    metrics = given['metrics'] if isinstance(given, dict) and 'metrics' in given else given
    for number, metric in enumerate(metrics if isinstance(metrics, (list, tuple)) else [metrics]):
        name = f'val_evaluator[{number}]' if isinstance(metrics, (list, tuple)) else 'val_evaluator'
        if isinstance(metric, dict):
            if metric.get('format_only'):  # it scores nothing
                continue
            metric.pop('output_dir', None)
            if metric.get('groups'):  # a batch does not have images of all groups; `check_config` checks them
                metric['groups'] = dict(metric['groups'], allow_empty=True)
        try:
            evaluator = Evaluator([metric]) if metrics is given else EVALUATOR.build(
                {'type': 'Evaluator', **given, 'metrics': [metric]})
            evaluator.dataset_meta = metainfo
            evaluator.process(data_samples=outputs, data_batch=batch)
            scores.update(evaluator.evaluate(len(outputs)))
        except Exception as error:  # any metric may fail in its own way
            raise ValueError(f'the validation would fail: {name} ({_type(metric)}) cannot score the first image: '
                             f'{_text(error)}.{_label_advice(outputs)}') from error
    return scores


def _label_advice(outputs: Sequence[Any]) -> str:
    if any(isinstance(output, SegDataSample) and 'gt_sem_seg' not in output for output in outputs):
        return (' The images have no labels: add LoadLabelIds or LoadAnnotations to val_dataloader.dataset.pipeline, '
                'before PackSegInputs.')
    return ''


def _check_save_best(cfg: Config, scores: Dict[str, Any], classes: Sequence[str]) -> None:
    """Check that the score by which the best checkpoint is chosen exists."""
    hook: Optional[dict] = (cfg.get('default_hooks') or {}).get('checkpoint')
    wanted = (hook or {}).get('save_best')
    has_groups = bool(metrics_with_groups(cfg.to_dict()['val_evaluator']))
    for key in [wanted] if isinstance(wanted, str) else wanted or []:
        # the first image need not have all classes, and is in one group only
        comes_later = key.split('/')[-1] in classes or (has_groups and key.startswith('mIoU/'))
        if scores and key != 'auto' and key not in scores and not comes_later:
            raise ValueError(f'the validation would fail: default_hooks.checkpoint.save_best={key!r}, but '
                             f'val_evaluator gives no such score. Its scores: {", ".join(sorted(scores))}.')


def _type(metric: Any) -> str:
    return metric.get('type', 'dict') if isinstance(metric, dict) else type(metric).__name__


def _text(error: Exception) -> str:
    """Describe an error in one line, without the full stop."""
    text = ' '.join(str(error).split()).rstrip('.')
    return f'{type(error).__name__}: {text}' if text else type(error).__name__
