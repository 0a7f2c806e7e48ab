"""The predictions of models for validation images: confusion matrices, and pictures."""
import os.path as osp
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

import cv2
import numpy as np
from mmengine.config import Config
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

WIDTH = 640  # largest width of a picture in the page, in pixels
Truth = Callable[[int], np.ndarray]


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
        problems: Lines about models that could not predict.
    """
    classes: Sequence[str]
    palette: Sequence[Sequence[int]]
    count: int
    total: int
    confusions: Dict[str, np.ndarray] = field(default_factory=dict)
    shown: List[Shown] = field(default_factory=list)
    problems: List[str] = field(default_factory=list)


def collect_evidence(models: Mapping[str, ModelRecord], images: int, shown: int) -> Optional[Evidence]:
    """Predict validation images with several models, with progress on standard error.

    The images are those of the first config that has some. Each model uses its own test pipeline.

    Args:
        models (Mapping[str, ModelRecord]): Name -> model.
        images (int): Largest number of images to predict, evenly spaced.
        shown (int): Number of these that are drawn.

    Returns:
        Evidence: None if no config has validation images.
    """
    configs: Dict[str, Config] = {}
    problems: List[str] = []
    for name, model in models.items():
        try:
            configs[name] = load_config(model.config)
        except Exception as error:  # of another version, or with an import that does not exist any more
            problems.append(f'{name}: its config cannot be read. {type(error).__name__}: {last_message(error)}')
    reference = next((cfg.val_dataloader.dataset for cfg in configs.values() if cfg.get('val_dataloader')), None)
    if reference is None:
        return None
    dataset = DATASETS.build(reference)
    chosen = spread_evenly(len(dataset), images)
    evidence = Evidence(dataset.metainfo['classes'], dataset.metainfo['palette'], len(chosen), len(dataset),
                        problems=problems)
    truth = label_reader(dataset) if 'seg_map_path' in dataset.get_data_info(0) else None
    drawn = [chosen[place] for place in spread_evenly(len(chosen), shown)]
    evidence.shown = [_open(dataset.get_data_info(index)['img_path'], truth(index) if truth else None,
                            evidence.palette) for index in drawn]
    for name, cfg in configs.items():
        try:
            _predict(name, cfg, models[name].checkpoint, dict(reference), chosen, drawn, truth, evidence)
        except (OSError, ValueError) as error:
            problems.append(f'{name} predicts no images. {type(error).__name__}: {last_message(error)}')
    return evidence


def _predict(name: str, cfg: Config, checkpoint: str, reference: Dict[str, Any], chosen: Sequence[int],
             drawn: Sequence[int], truth: Optional[Truth], evidence: Evidence) -> None:
    """Predict the chosen images with one model, and add the results to the evidence."""
    labeler = build_labeler(cfg, checkpoint)
    labeler.check(evidence.classes)
    dataset = open_images(images_to_label(cfg, reference))
    size, progress = len(evidence.classes), Progress(f'{name}: predicting validation images', len(chosen))
    total = np.zeros((size, size), np.int64)
    with predicting_alike():
        for number, index in enumerate(chosen, 1):
            (label, sure), = predict_images(labeler, [dataset[index]])
            prediction, accuracy = label.cpu().numpy(), None
            if truth is not None:
                counts = confusion(prediction, truth(index), size)
                total += counts
                accuracy = float(100 * np.trace(counts) / max(1, counts.sum()))
            if index in drawn and sure is not None:
                evidence.shown[drawn.index(index)].predictions[name] = (
                    encode_picture(colorize(_shrink_label(prediction), evidence.palette)),
                    _jpeg(_shrink(color_ramp(sure.cpu().numpy()))), accuracy)
            progress.update(number)
    if truth is not None:
        evidence.confusions[name] = total


def _open(path: str, truth: Optional[np.ndarray], palette: Sequence[Sequence[int]]) -> Shown:
    image = LoadVerifiedImage().transform(dict(img_path=path))['img']
    colored = None if truth is None else encode_picture(colorize(_shrink_label(truth), palette))
    return Shown(osp.basename(path), _jpeg(_shrink(image)), colored)


def _size(picture: np.ndarray) -> Tuple[int, int]:
    """Return the width and height of a picture in the page."""
    height, width = picture.shape[:2]
    return min(width, WIDTH), max(1, round(height * min(1, WIDTH / width)))


def _shrink(picture: np.ndarray) -> np.ndarray:
    return cv2.resize(picture, _size(picture), interpolation=cv2.INTER_AREA)


def _shrink_label(label: np.ndarray) -> np.ndarray:
    return cv2.resize(label.astype(np.uint8), _size(label), interpolation=cv2.INTER_NEAREST)


def _jpeg(picture: np.ndarray) -> bytes:
    done, data = cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, 85])
    assert done, 'OpenCV encodes every 8-bit picture as JPEG'
    return data.tobytes()
