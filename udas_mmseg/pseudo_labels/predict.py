"""Predicting several views of each image, and merging them: the most confident view of each pixel, or their mean."""
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from ..datasets.image_views import ImageViews, map_at_size
from ..datasets.transforms.affine_map import AffineMap
from ..models.max_confidence import (
    confidence,
    first_highest,
    most_confident,
    most_probable,
    softmax_with_temperature,
)
from ..models.postprocess import enlarged
from ..models.predictor import predictor_of
from ..models.trained import build_original, load_checkpoint
from ..utils.processes import unwrap
from .agreement import HEADS, Agreement, auxiliary_head_predicts, image_score

MERGES = ('confident', 'mean')


class Labeler(NamedTuple):
    """A segmentor, the preprocessor of its images, and what is added to its logits, (C, ), see `PriorCorrection`."""
    segmentor: nn.Module
    preprocessor: nn.Module
    shift: Optional[Tensor] = None

    @classmethod
    def of(cls, model: nn.Module) -> 'Labeler':
        """Return a labeler with the predicting network of a model; see `predictor_of`.

        Raises:
            ValueError: if it is not derived from MMSegmentation's `EncoderDecoder`.
        """
        segmentor = predictor_of(model)
        needed = ('inference', 'postprocess_result', 'align_corners')
        lacking = [name for name in needed if not hasattr(segmentor, name)]
        if lacking:
            raise ValueError(f'{type(segmentor).__name__} cannot label images: it has no {" and no ".join(lacking)}. '
                             "Use a segmentor that is derived from MMSegmentation's EncoderDecoder.")
        return cls(segmentor, unwrap(model).data_preprocessor)


    def check(self, classes: Sequence[str], views: int = 1, temperature: float = 1.0) -> None:
        """Check that the segmentor can label images of these classes.

        Raises:
            ValueError: if it has other classes, or only one output channel, although several views or another
                temperature need a probability for each class.
        """
        segmentor = self.segmentor
        if segmentor.num_classes != len(classes):
            raise ValueError(f'the model has num_classes={segmentor.num_classes}, but the images have {len(classes)} '
                             f'classes {tuple(classes)}. Use a model that was trained for these classes, or '
                             'correct `metainfo.classes`.')
        if segmentor.out_channels == 1 and (views > 1 or temperature != 1):
            raise ValueError('the model has one output channel for both classes, and is supported with views=1 and '
                             f'temperature=1 only, not views={views}, temperature={temperature}. Train it with '
                             'out_channels=2.')


def build_labeler(cfg: Config, checkpoint: str) -> Labeler:
    """Build the trained segmentor of a config, in evaluation mode on the best device.

    Raises:
        FileNotFoundError: if the checkpoint does not exist.
        ValueError: if the checkpoint does not match the config.
    """
    return Labeler.of(build_original(cfg, load_checkpoint(checkpoint)).to(get_device()))


@torch.no_grad()
def predict_images(labeler: Labeler, samples: Sequence[dict],
                   with_confidence: bool = True) -> Iterator[Tuple[Tensor, Optional[Tensor]]]:
    """Predict some images in one batch, as plain inference does.

    Args:
        labeler (Labeler): The model, in evaluation mode.
        samples (Sequence[dict]): Images of the same size, packed by `PackSegInputs`.
        with_confidence (bool): Whether the confidence is computed. Defaults to True.

    Yields:
        tuple: label (H, W) uint8 and confidence (H, W) float32 (or None) of each image, at its original size.

    Raises:
        ValueError: if the model predicts values that are not finite.
    """
    logits, packed = infer(labeler, samples)
    _check_finite(logits)
    for place, sample in enumerate(packed):
        yield _plain(labeler.segmentor, logits[place:place + 1], sample, with_confidence=with_confidence)


@torch.no_grad()
def predict_heads(labeler: Labeler, samples: Sequence[dict]) -> Iterator[Tuple[Tensor, ...]]:
    """Predict the probabilities of each classifier for some images in one batch.

    A trained `PixelSelector`, or `CrossPseudoSupervision`, has two classifiers if the config of the labeler has
    `predict_with='mean'`. All other models have one: the classifier that predicts.

    Args:
        labeler (Labeler): The model, in evaluation mode.
        samples (Sequence[dict]): Images of the same size, packed by `PackSegInputs`.

    Yields:
        tuple[Tensor, ...]: (C, H, W) float32 in [0, 1] of each classifier, for each image at its original size.

    Raises:
        ValueError: if the model has one output channel for two classes, or predicts values that are not finite.
    """
    segmentor = labeler.segmentor
    if segmentor.out_channels == 1:
        raise ValueError('the model has one output channel for both classes, and not a probability for each class. '
                         'Train it with out_channels=2.')
    inputs, packed = _preprocessed(labeler, samples)
    metas = [item.metainfo for item in packed]
    each = getattr(segmentor, 'inference_of_each', None)
    logits = [segmentor.inference(inputs, metas)] if each is None else each(inputs, metas)
    for one in logits:
        _check_finite(one)
    for place, sample in enumerate(packed):
        yield tuple(softmax_with_temperature(enlarged(segmentor, one[place:place + 1], sample))[0] for one in logits)


@torch.no_grad()
def predict_views(labeler: Labeler,
                  images: Sequence[ImageViews],
                  batch_size: int = 1,
                  temperature: float = 1.0,
                  merge: str = MERGES[0]) -> Iterator[Tuple[Tensor, Tensor]]:
    """Predict all views of some images in one batch (for each size of the views), and merge the views of each image.

    Args:
        labeler (Labeler): The model, in evaluation mode.
        images (Sequence[ImageViews]): Images of the same size, whose views have the same sizes.
        batch_size (int): Number of images to which the batch is padded with copies. Defaults to 1.
        temperature (float): Temperature of the softmax. Defaults to 1.0.
        merge (str): One of `MERGES`, see `LabelingOptions`. Defaults to 'confident'.

    Yields:
        tuple: label (H, W) uint8 and confidence (H, W) float32 of each image, at its original size.
    """
    for label, sure, _ in predict_agreement([labeler], images, batch_size, temperature, merge):
        yield label, sure


@torch.no_grad()
def predict_agreement(labelers: Sequence[Labeler],
                      images: Sequence[ImageViews],
                      batch_size: int = 1,
                      temperature: float = 1.0,
                      merge: str = MERGES[0],
                      agreement: Optional[Agreement] = None) -> Iterator[Tuple[Tensor, Tensor, Optional[float]]]:
    """Predict all views of some images with several teachers, merge all predictions of an image, and compare them.

    Args:
        labelers (Sequence[Labeler]): The teachers. The most confident prediction is that of the first one if several
            are equal.
        images (Sequence[ImageViews]): See `predict_views`.
        batch_size (int): See `predict_views`.
        temperature (float): See `predict_views`.
        merge (str): See `predict_views`.
        agreement (Agreement, optional): Defaults to None: the predictions are not compared.

    Yields:
        tuple: label (H, W) uint8, confidence (H, W) float32, and the image's score or None.
    """
    agreement = agreement or Agreement()
    in_image: Any = _probabilities if agreement.compares or merge == MERGES[1] else _in_image
    filled = [*images, *[images[-1]] * (batch_size - len(images))]  # rounding depends on the size of a batch
    everything = []
    for labeler in labelers:
        everything.append((labeler.segmentor, _infer_views(labeler, filled)))
        if agreement.heads == HEADS[1]:
            with auxiliary_head_predicts(labeler.segmentor):
                everything.append((labeler.segmentor, _infer_views(labeler, filled)))
    for place, image in enumerate(images):
        size = tuple(image.samples[0]['data_samples'].ori_shape[:2])
        found = []
        for segmentor, predictions in everything:
            for number, affine in enumerate(image.maps):
                logits, samples = predictions[number]
                to_view = map_at_size(affine, size, segmentor.align_corners)
                found.append(in_image(segmentor, logits[place:place + 1], samples[place], to_view, temperature))
        if in_image is _in_image:
            yield (*most_confident(*zip(*found)), None)
        else:
            probs, valid = zip(*found)
            yield _merged(probs, valid, merge, agreement)


def _infer_views(labeler: Labeler, images: Sequence[ImageViews]) -> Dict[int, Tuple[Tensor, List[SegDataSample]]]:
    """Return the logits (N, C, H, W) and the data samples of each view of some images, by the number of the view."""
    sizes = [sample['inputs'].shape for sample in images[0].samples]
    predictions = {}
    for size in dict.fromkeys(sizes):
        numbers = [number for number, other in enumerate(sizes) if other == size]
        logits, packed = infer(labeler, [image.samples[number] for image in images for number in numbers])
        for place, number in enumerate(numbers):
            predictions[number] = logits[place::len(numbers)], packed[place::len(numbers)]
    return predictions


def _merged(probs: Sequence[Tensor], valid: Sequence[Tensor], merge: str,
            agreement: Agreement) -> Tuple[Tensor, Tensor, Optional[float]]:
    """Merge and compare predictions (C, H, W): label (H, W) uint8, confidence (H, W) and score."""
    if merge == MERGES[1]:
        label, sure = _mean_of(probs, valid)
    else:
        labels, confidences = zip(*map(first_highest, probs))
        label, sure = most_confident(labels, confidences, valid)
    score = None
    if agreement.score:
        score = image_score(label, [first_highest(view)[0] for view in probs], valid, len(probs[0]))
    return label, agreement.lower(label, sure, probs, valid), score


def infer(labeler: Labeler, samples: Sequence[dict]) -> Tuple[Tensor, List[SegDataSample]]:
    """Return the logits (N, C, H, W) of packed images of the same size, and their data samples."""
    inputs, packed = _preprocessed(labeler, samples)
    logits = labeler.segmentor.inference(inputs, [item.metainfo for item in packed])
    return logits if labeler.shift is None else logits + labeler.shift[:, None, None], packed


def _preprocessed(labeler: Labeler, samples: Sequence[dict]) -> Tuple[Tensor, List[SegDataSample]]:
    """Return the input of the network (N, 3, H, W) for packed images of the same size, and their data samples."""
    batch = labeler.preprocessor({key: [sample[key] for sample in samples] for key in ('inputs', 'data_samples')},
                                 False)
    return batch['inputs'], batch['data_samples']


def _check_finite(logits: Tensor) -> None:
    if not torch.isfinite(logits.sum()):
        raise ValueError('the model predicts values that are not finite (NaN or infinite). Use an earlier checkpoint.')


def _plain(segmentor: nn.Module, logits: Tensor, sample: SegDataSample, temperature: float = 1.0,
           with_confidence: bool = True) -> Tuple[Tensor, Optional[Tensor]]:
    """Return the label of plain inference, (H, W) uint8, bit for bit, and its confidence (H, W) float32, or None.

    Args:
        segmentor (nn.Module): The segmentor.
        logits (Tensor): (1, C, h, w), at the size of the network's input.
        sample (SegDataSample): Has the original size.
        temperature (float): Temperature of the softmax. Defaults to 1.0.
        with_confidence (bool): Whether the confidence is computed. Defaults to True.
    """
    if segmentor.out_channels == 1:
        result = segmentor.postprocess_result(logits, [sample])[0]
        label = result.pred_sem_seg.data[0].to(torch.uint8)
        return label, confidence(result.seg_logits.data) if with_confidence else None
    values = enlarged(segmentor, logits, sample)[0]
    return most_probable(values, temperature) if with_confidence else (first_highest(values)[0], None)


def _in_image(segmentor: nn.Module, logits: Tensor, sample: SegDataSample, to_view: AffineMap,
              temperature: float) -> Tuple[Tensor, Tensor, Tensor]:
    """Warp the prediction for a view to the image: label (H, W) uint8, confidence (H, W) and valid pixels (H, W) bool.

    If nothing moved, label and confidence are those of plain inference, bit for bit.
    """
    if segmentor.out_channels == 1 or to_view.is_identity:  # one channel: one view, see `Labeler.check`
        label, sure = _plain(segmentor, logits, sample, temperature)
        valid = torch.ones_like(label, dtype=torch.bool)
    else:
        probs, valid = to_view.undo(softmax_with_temperature(enlarged(segmentor, logits, sample), temperature))
        label, sure = first_highest(probs[0])
    return label, sure, valid


def _probabilities(segmentor: nn.Module, logits: Tensor, sample: SegDataSample, to_view: AffineMap,
                   temperature: float) -> Tuple[Tensor, Tensor]:
    """Warp the prediction for a view to the image: probabilities (C, H, W) and valid pixels (H, W) bool."""
    probs, valid = to_view.undo(softmax_with_temperature(enlarged(segmentor, logits, sample), temperature))
    return probs[0], valid


def _mean_of(probs: Sequence[Tensor], valid: Sequence[Tensor]) -> Tuple[Tensor, Tensor]:
    """Average the probabilities of views over those that contain a pixel: label (H, W) uint8 and confidence (H, W)."""
    seen = torch.stack([mask.to(probs[0].dtype) for mask in valid])
    total = sum(view * mask for view, mask in zip(probs, seen))
    return first_highest(total / seen.sum(dim=0))  # the first view is the image, with all pixels
