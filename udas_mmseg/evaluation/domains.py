"""Scoring one model on labelled data sets of several domains."""
from typing import Dict, Sequence

import torch
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmseg.registry import DATASETS
from torch import nn

from ..datasets.unlabeled import prediction_pipeline, without_labels
from ..pseudo_labels.ground_truth import label_reader
from ..pseudo_labels.predict import Labeler, predict_images
from ..utils.indices import spread_evenly
from ..utils.predicting import predicting_alike
from ..utils.progress import Progress
from .label_free import confusion


def score_domains(cfg: Config, model: nn.Module, keys: Sequence[str], images: int = 500) -> Dict[str, Dict[str, float]]:
    """Score a model on data sets of its config, with its test pipeline and the labels of each data set.

    Args:
        cfg (Config): Config of the model, with the data sets.
        model (nn.Module): The trained model, in evaluation mode.
        keys (Sequence[str]): Entries of the config: labelled data sets, translated or not.
        images (int): Largest number of images of each data set, evenly spaced. Defaults to 500.

    Returns:
        dict: Key -> `mIoU` and `IoU/<class>` in percent, over the classes that occur in labels or predictions.

    Raises:
        OSError: if a file is missing.
        ValueError: if there is no such data set, it has no labels, or the model does not have its classes.

    Source: UDAS, section 4.2.3, where a model trained on the target reads source, translated source and target.
    """
    if images < 1:
        raise ValueError(f'images={images}: it must be 1 or more.')
    labeler = Labeler.of(model)
    with predicting_alike():
        return {key: _score(cfg, labeler, key, images) for key in keys}


@torch.no_grad()
def _score(cfg: Config, labeler: Labeler, key: str, images: int) -> Dict[str, float]:
    given = cfg.to_dict().get(key)
    if not (isinstance(given, dict) and 'data_prefix' in given):
        known = sorted(name for name, value in cfg.items() if isinstance(value, dict) and 'data_prefix' in value)
        raise ValueError(f'the config has no data set {key!r}; its data sets are {known}. Name these after --datasets.')
    dataset: BaseDataset = DATASETS.build(without_labels(given, prediction_pipeline(cfg)))
    # the labels are those of the originals
    read = label_reader(DATASETS.build({name: value for name, value in given.items()
                                        if name not in ('translated_root', 'missing_translation')}))
    classes = dataset.metainfo.get('classes') or ()
    labeler.check(classes)
    numbers = spread_evenly(len(dataset), images, True)
    total = torch.zeros(len(classes), len(classes), dtype=torch.int64)
    progress = Progress(f'scoring {key}', len(numbers))
    for done, number in enumerate(numbers, 1):
        (label, _), = predict_images(labeler, [dataset[number]], with_confidence=False)
        total += torch.from_numpy(confusion(label.cpu().numpy(), read(number), len(classes)))
        progress.update(done)
    return _iou(total.double(), classes)


def _iou(confusions: torch.Tensor, classes: Sequence[str]) -> Dict[str, float]:
    hits = confusions.diagonal()
    iou = 100 * hits / (confusions.sum(dim=0) + confusions.sum(dim=1) - hits)
    found = {f'IoU/{name}': round(float(value), 2) for name, value in zip(classes, iou) if torch.isfinite(value)}
    return dict(mIoU=round(float(iou.nanmean()), 2), **found)
