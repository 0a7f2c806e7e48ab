"""Comparing two models without target labels, on images that were held out from their trainings."""
from typing import Any, Dict, List, Mapping, NamedTuple, Sequence, Tuple

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.dist import all_gather_object, get_dist_info
from mmseg.registry import DATASETS
from torch import Tensor

from ..datasets.image_views import ImageViews
from ..datasets.transforms.affine_map import AffineMap
from ..pseudo_labels.ground_truth import label_reader
from ..pseudo_labels.label import images_to_label, open_images
from ..pseudo_labels.predict import Labeler, build_labeler, predict_views
from ..utils.indices import spread_evenly
from ..utils.predicting import predicting_alike
from ..utils.processes import together
from ..utils.progress import Progress
from .selection import Scores, scores_of
from .styles import DEFAULT_STYLES, TRANSLATED, apply_styles, check_styles, count_references, number_names


class TargetFigures(NamedTuple):
    """Figures of the predictions for target images. They change with every round, so they do not decide.

    Attributes:
        confidence: Mean confidence, in [0, 1].
        shares: Class -> share of the predicted pixels.
        labels: Number of the image -> prediction (H, W) uint8; only those of this process.
    """
    confidence: float
    shares: Dict[str, float]
    labels: Dict[int, np.ndarray]

    def rounded(self) -> Dict[str, Any]:
        """Return the confidence and the shares as entries for a JSON file."""
        return dict(confidence=round(self.confidence, 4),
                    class_share={name: round(share, 4) for name, share in self.shares.items()})


class LabelFreeSelection:
    """Scores models on labelled source images in several styles, and describes their predictions for target images.

    The images must have been held out from the trainings of the models (`HoldOut`). The source images are shown raw,
    translated, in the colours of target images, and dark: a model that only remembers the training images or works in
    one light loses. Images pass through the test pipeline of each model, without random changes. With several
    processes, call the methods in all of them; each predicts a part of the images, with the same result.

    Args:
        source (Mapping): Config of the labelled source images, whose pipeline reads the labels; with `translated_root`
            if there are translations.
        target (Mapping): Config of the target images. Their labels are never opened.
        styles (Sequence[str]): See `apply_styles`. 'translated' is left out without translations. Defaults to all.

    Raises:
        ValueError: for an unknown style.
    """

    def __init__(self, source: Mapping[str, Any], target: Mapping[str, Any],
                 styles: Sequence[str] = DEFAULT_STYLES) -> None:
        check_styles(styles)
        self.translated, self.target = dict(source), dict(target)
        self.source = {key: value for key, value in source.items()
                       if key not in ('translated_root', 'missing_translation')}
        has_translations = source.get('translated_root') is not None
        self.styles = [style for style in styles if style != TRANSLATED or has_translations]

    def score(self, cfg: Config, checkpoint: str) -> Tuple[Scores, TargetFigures]:
        """Score a trained model.

        Args:
            cfg (Config): Its config.
            checkpoint (str): Its weights.

        Raises:
            OSError: if a file is missing.
            ValueError: if the model does not match the checkpoint or the data.
        """
        labeler = together(lambda: build_labeler(cfg, checkpoint))
        with predicting_alike():
            classes, confusions = self._score_source(cfg, labeler)
            figures = self._describe_target(cfg, labeler)
        return scores_of(confusions, classes, number_names(self.styles)), figures

    def agreement(self, teacher: TargetFigures, student: TargetFigures) -> float:
        """Return the share of the target pixels for which both models predict the same class, in [0, 1]."""
        counts = [(int((label == student.labels[number]).sum()), label.size)
                  for number, label in teacher.labels.items()]
        same, pixels = np.array([pair for part in all_gather_object(counts) for pair in part]).sum(axis=0)
        return float(same / pixels)

    def _score_source(self, cfg: Config, labeler: Labeler) -> Tuple[Sequence[str], np.ndarray]:
        """Predict the source images in all styles: the classes, and (S, C, C) as for `scores_of`."""
        has_translations = TRANSLATED in self.styles
        used = (self.source, self.translated if has_translations else self.source, self.target)
        raw, translated, target = together(lambda: [open_images(images_to_label(cfg, config)) for config in used])
        classes = raw.metainfo.get('classes') or ()
        together(lambda: labeler.check(classes))
        read_label = together(lambda: label_reader(DATASETS.build(self.source)))
        count = count_references(self.styles)
        references = together(lambda: [_pixels(target[index]) for index in _repeated(len(target), count)])
        plain = [style for style in self.styles if style != TRANSLATED]

        def count_one(number: int) -> np.ndarray:
            sample, truth = raw[number], read_label(number)
            images = apply_styles(_pixels(sample), plain, references)
            labels = [label for label, _ in _predict(labeler, sample, images)]
            if has_translations:
                sample = translated[number]
                (label, _), = _predict(labeler, sample, [_pixels(sample)])
                labels.insert(self.styles.index(TRANSLATED), label)
            return np.stack([confusion(label, truth, len(classes)) for label in labels])

        parts = _for_each_image('scoring held-out source images', len(raw), count_one)
        return classes, sum(parts.values())

    def _describe_target(self, cfg: Config, labeler: Labeler) -> TargetFigures:
        dataset = together(lambda: open_images(images_to_label(cfg, self.target)))
        classes = dataset.metainfo.get('classes') or ()
        labels: Dict[int, np.ndarray] = {}

        def describe_one(number: int) -> Tuple[np.ndarray, float]:
            sample = dataset[number]
            (label, confidence), = _predict(labeler, sample, [_pixels(sample)])
            labels[number] = label
            return np.bincount(label.ravel(), minlength=len(classes)), confidence

        parts = _for_each_image('predicting held-out target images', len(dataset), describe_one)
        counts = sum(part[0] for part in parts.values())
        shares = dict(zip(classes, (counts / counts.sum()).tolist()))
        return TargetFigures(float(np.mean([part[1] for part in parts.values()])), shares, labels)


def confusion(label: np.ndarray, truth: np.ndarray, num_classes: int) -> np.ndarray:
    """Count the pixels by their true and predicted class.

    Args:
        label (np.ndarray): (H, W) uint8, the prediction. It is resized if the truth has another size, as that of a
            smaller translation.
        truth (np.ndarray): (H', W') uint8 in {0..C-1, 255}.
        num_classes (int): C.

    Returns:
        np.ndarray: (C, C) int64, with the true class first.
    """
    if label.shape != truth.shape:
        label = cv2.resize(label, truth.shape[::-1], interpolation=cv2.INTER_NEAREST)
    valid = truth < num_classes
    pairs = truth[valid].astype(np.int64) * num_classes + label[valid]
    return np.bincount(pairs, minlength=num_classes ** 2).reshape(num_classes, num_classes)


def _for_each_image(title: str, count: int, action: Any) -> Dict[int, Any]:
    """Call a function with the number of each image, in one of the processes; the results of all, in order."""
    rank, world_size = get_dist_info()
    progress = Progress(title, count)

    def own_part() -> Dict[int, Any]:
        found = {}
        for number in range(rank, count, world_size):
            found[number] = action(number)
            if rank == 0:
                progress.update(min(count, number + world_size))
        return found

    parts = all_gather_object(together(own_part))
    return dict(sorted(item for part in parts for item in part.items()))


def _repeated(length: int, count: int) -> List[int]:
    """Return `count` evenly spaced indices, again from the first one if there are fewer images."""
    chosen = spread_evenly(length, count) if count else []
    return [chosen[number % len(chosen)] for number in range(count)]


def _pixels(sample: Mapping[str, Any]) -> np.ndarray:
    """Return the image of a packed sample, (H, W, 3) uint8 BGR."""
    inputs: Tensor = sample['inputs']
    if inputs.dtype != torch.uint8 or len(inputs) != 3:
        raise ValueError(f'the test pipeline gives images of {inputs.dtype} with {len(inputs)} channels; the styles of '
                         "held-out images need 8-bit colour images. In self-training, set keep='last', or "
                         "select=dict(by='validation').")
    return np.ascontiguousarray(inputs.permute(1, 2, 0).numpy())


def _predict(labeler: Labeler, sample: Mapping[str, Any],
             images: Sequence[np.ndarray]) -> List[Tuple[np.ndarray, float]]:
    """Predict versions of an image in one batch: label (H, W) uint8 at the original size, and mean confidence."""
    size: Tuple[int, int] = images[0].shape[:2]
    views = [ImageViews(number, [dict(inputs=torch.from_numpy(image.transpose(2, 0, 1).copy()),
                                      data_samples=sample['data_samples'])], [AffineMap.identity(size)])
             for number, image in enumerate(images)]
    return [(label.cpu().numpy(), float(sure.mean())) for label, sure in predict_views(labeler, views, len(views))]
