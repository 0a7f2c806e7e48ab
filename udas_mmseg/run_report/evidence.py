"""The predictions of models for validation images: confusion matrices, and pictures."""
import math
import os.path as osp
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import cv2
import numpy as np
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmseg.registry import DATASETS

from ..datasets import LoadVerifiedImage
from ..engine.launch import load_config
from ..evaluation.label_free import confusion
from ..pseudo_labels.ground_truth import label_reader
from ..pseudo_labels.label import images_to_label, open_images
from ..pseudo_labels.predict import build_labeler, predict_images
from ..utils.indices import spread_evenly
from ..utils.messages import last_message
from ..utils.predicting import predicting_alike
from ..utils.progress import Progress
from ..visualization import color_ramp, colorize
from ..visualization.page import encode_picture
from .record import ModelRecord

_WIDTH = 640  # largest width of a picture in the page, in pixels
_FULL_SIZE = 80  # number of predictions that are shown at this width


@dataclass
class Shown:
    """A validation image in the page.

    Attributes:
        name: File name.
        image: JPEG.
        truth: PNG of the coloured label; None if there are no labels.
        predictions: Model -> PNG of the coloured prediction, JPEG of the confidence, and the percentage of the labelled
            pixels that are right (None if there are no labels).
    """
    name: str
    image: bytes
    truth: Optional[bytes]
    predictions: Dict[str, Tuple[bytes, bytes, Optional[float]]] = field(default_factory=dict)


@dataclass
class Evidence:
    """Predictions for validation images.

    Attributes:
        classes: Names of the C classes.
        palette: An RGB colour for each, 0-255.
        count: Number of images that were predicted.
        total: Number of all validation images.
        confusions: Model -> (C, C) int64, number of pixels by true and predicted class; empty without labels.
        shown: Some of the images.
        problems: Lines about models that cannot predict, and missing images.
    """
    classes: Sequence[str]
    palette: Sequence[Sequence[int]]
    count: int
    total: int
    confusions: Dict[str, np.ndarray] = field(default_factory=dict)
    shown: List[Shown] = field(default_factory=list)
    problems: List[str] = field(default_factory=list)


class _Task(NamedTuple):
    """The images to predict: their config, the chosen and the drawn ones, the width of pictures, and the labels."""
    reference: Dict[str, Any]
    chosen: Sequence[int]
    drawn: Sequence[int]
    width: int
    truth: Optional[Callable[[int], np.ndarray]]


def collect_evidence(models: Mapping[str, ModelRecord], images: int, shown: int) -> Evidence:
    """Predict validation images with several models, with progress on standard error.

    The images are those of the first config that has some. Each model uses its own test pipeline.

    Args:
        models (Mapping[str, ModelRecord]): Name -> model.
        images (int): Largest number of images to predict, evenly spaced.
        shown (int): Number of these that are drawn.

    Returns:
        Evidence: Models that cannot predict, or missing images, are named in `problems`.
    """
    evidence = Evidence([], [], 0, 0)
    configs = _load_configs(models, evidence.problems)
    reference = next(filter(None, map(_validation_images, configs.values())), None)
    if reference is None:
        evidence.problems.append('No config has validation images, so none are predicted.')
        return evidence
    try:
        dataset = DATASETS.build(reference)
        truth = label_reader(dataset) if 'seg_map_path' in dataset.get_data_info(0) else None
    except (OSError, ValueError) as error:
        evidence.problems.append(f'The validation images cannot be read: {last_message(error)}')
        return evidence
    evidence.classes, evidence.palette = dataset.metainfo['classes'], dataset.metainfo['palette']
    chosen = spread_evenly(len(dataset), images)
    evidence.count, evidence.total = len(chosen), len(dataset)
    drawn = [chosen[place] for place in spread_evenly(len(chosen), shown)]
    width = picture_width(len(drawn) * len(configs))
    evidence.shown = [_open(dataset.get_data_info(index)['img_path'], truth(index) if truth else None,
                            evidence.palette, width) for index in drawn]
    task = _Task(reference, chosen, drawn, width, truth)
    for name, cfg in configs.items():
        try:
            _predict(name, cfg, models[name].checkpoint, task, evidence)
        except (OSError, ValueError) as error:
            evidence.problems.append(f'{name} predicts no images: {last_message(error)}')
    return evidence


def picture_width(predictions: int) -> int:
    """Return the largest width of a picture in pixels, so that the pictures of many predictions fit into the page."""
    return round(_WIDTH * min(1.0, math.sqrt(_FULL_SIZE / max(1, predictions))))


def _load_configs(models: Mapping[str, ModelRecord], problems: List[str]) -> Dict[str, Config]:
    configs: Dict[str, Config] = {}
    for name, model in models.items():
        try:
            configs[name] = load_config(model.config)
        except Exception as error:  # of another version, or with an import that does not exist any more
            problems.append(f'The config of {name} cannot be read: {type(error).__name__}: {last_message(error)}')
    return configs


def _validation_images(cfg: Config) -> Optional[Dict[str, Any]]:
    """Return the config of the validation images; None if there are none, or it is a wrapper around data sets."""
    found = (cfg.get('val_dataloader') or {}).get('dataset')
    kind = DATASETS.get(found['type']) if found and isinstance(found.get('type'), str) else None
    return dict(found or {}) if isinstance(kind, type) and issubclass(kind, BaseDataset) else None


def _predict(name: str, cfg: Config, checkpoint: str, task: _Task, evidence: Evidence) -> None:
    """Predict the chosen images with one model, and add the results to the evidence."""
    labeler = build_labeler(cfg, checkpoint)
    labeler.check(evidence.classes)
    dataset = open_images(images_to_label(cfg, task.reference))
    size, progress = len(evidence.classes), Progress(f'{name}: predicting validation images', len(task.chosen))
    total = np.zeros((size, size), np.int64)
    with predicting_alike():
        for number, index in enumerate(task.chosen, 1):
            (label, sure), = predict_images(labeler, [dataset[index]])
            prediction, accuracy = label.cpu().numpy(), None
            if task.truth is not None:
                counts = confusion(prediction, task.truth(index), size)
                total += counts
                accuracy = float(100 * np.trace(counts) / max(1, counts.sum()))
            if index in task.drawn and sure is not None:
                evidence.shown[task.drawn.index(index)].predictions[name] = (
                    encode_picture(colorize(_shrink_label(prediction, task.width), evidence.palette)),
                    _jpeg(_shrink(color_ramp(sure.cpu().numpy()), task.width)), accuracy)
            progress.update(number)
    if task.truth is not None:
        evidence.confusions[name] = total


def _open(path: str, truth: Optional[np.ndarray], palette: Sequence[Sequence[int]],
          width: int) -> Shown:
    image = LoadVerifiedImage().transform(dict(img_path=path))['img']
    colored = None if truth is None else encode_picture(colorize(_shrink_label(truth, width), palette))
    return Shown(osp.basename(path), _jpeg(_shrink(image, width)), colored)


def _size(picture: np.ndarray, most: int) -> Tuple[int, int]:
    """Return the width and height of a picture in the page."""
    height, width = picture.shape[:2]
    return min(width, most), max(1, round(height * min(1, most / width)))


def _shrink(picture: np.ndarray, width: int) -> np.ndarray:
    return cv2.resize(picture, _size(picture, width), interpolation=cv2.INTER_AREA)


def _shrink_label(label: np.ndarray, width: int) -> np.ndarray:
    return cv2.resize(label.astype(np.uint8), _size(label, width), interpolation=cv2.INTER_NEAREST)


def _jpeg(picture: np.ndarray) -> bytes:
    done, data = cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, 85])
    assert done, 'OpenCV encodes every 8-bit picture as JPEG'
    return data.tobytes()
