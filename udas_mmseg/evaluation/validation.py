"""Scoring a trained model on validation images."""
import math
from typing import Any, Dict

import torch
from mmengine.device import get_device
from mmengine.evaluator import Evaluator
from mmengine.runner import Runner
from torch import nn

from ..utils.predicting import predicting_alike
from .selection import Scores

_IOU = 'IoU/'


@torch.no_grad()
def validate(model: nn.Module, val_dataloader: Dict[str, Any], val_evaluator: Any) -> Dict[str, float]:
    """Score a model as MMEngine's validation does; call it in every process.

    Args:
        model (nn.Module): Segmentor with its preprocessor, in evaluation mode.
        val_dataloader (dict): As in a config.
        val_evaluator (dict | list[dict]): As in a config.

    Returns:
        dict[str, float]: The metrics, the same in every process.
    """
    model = model.to(get_device())
    loader = Runner.build_dataloader(val_dataloader, seed=0)
    evaluator = Evaluator(val_evaluator)
    evaluator.dataset_meta = loader.dataset.metainfo
    with predicting_alike():
        for batch in loader:
            evaluator.process(data_samples=model.val_step(batch), data_batch=batch)
    return evaluator.evaluate(len(loader.dataset))


def validation_scores(metrics: Dict[str, float]) -> Scores:
    """Return the scores in the metrics of a validation.

    Raises:
        ValueError: if the metrics have no mIoU.
    """
    if 'mIoU' not in metrics:
        raise ValueError(f'the validation has no mIoU, only {", ".join(metrics) or "nothing"}. Use '
                         "val_evaluator=dict(type='SubsetIoUMetric'), or compare without labels: "
                         "self_training.select=dict(by='label_free').")
    classes = {key[len(_IOU):]: value for key, value in metrics.items() if key.startswith(_IOU)}
    return Scores(metrics['mIoU'], {name: value for name, value in classes.items() if math.isfinite(value)}, {})
