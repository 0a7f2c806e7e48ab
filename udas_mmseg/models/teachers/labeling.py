"""Labels and pixel weights from the logits of a teacher: functions, and policies for configs."""
import contextlib
import math
from typing import NamedTuple, Optional, Tuple

import torch
from mmseg.registry import MODELS
from torch import Tensor, nn

from ...datasets.label_maps import IGNORE
from ..losses.precision import at_least_float32


class TeacherLabels(NamedTuple):
    """Labels for the training of a student.

    Args:
        label (Tensor): (N, H, W) int64 in {0..C-1, 255}; 255 is ignored.
        kept (Tensor): (N, H, W) bool, True for the pixels of which the teacher is confident.
        weight (Tensor, optional): (N, H, W) float in [0, 1], the weight of each pixel's loss; None: all are 1.
    """
    label: Tensor
    kept: Tensor
    weight: Optional[Tensor] = None


@torch.no_grad()
def teacher_logits(network: nn.Module,
                   images: Tensor,
                   flip: bool = False,
                   dtype: Optional[torch.dtype] = None) -> Tensor:
    """Compute a teacher's logits for preprocessed images, at the size of the images.

    Args:
        network (nn.Module): The teacher, an `EncoderDecoder`.
        images (Tensor): (N, 3, H, W).
        flip (bool): Whether the probabilities are the mean of those of the images and of the images flipped
            horizontally. Defaults to False.
        dtype (torch.dtype, optional): Of convolutions and matrix products, by autocast. Defaults to None: as outside.

    Returns:
        Tensor: (N, C, H, W); with `flip`, the logarithms of the mean probabilities, whose softmax these are.
    """
    metainfo = [dict(img_shape=images.shape[2:])] * len(images)
    views = [images, images.flip(3)] if flip else [images]
    with contextlib.nullcontext() if dtype is None else torch.autocast(images.device.type, dtype):
        logits = [network.encode_decode(view, metainfo) for view in views]
    if not flip:
        return logits[0]
    both = [at_least_float32(each).log_softmax(dim=1) for each in (logits[0], logits[1].flip(3))]
    return torch.logaddexp(*both) - math.log(2)


def most_probable(logits: Tensor) -> Tuple[Tensor, Tensor]:
    """Return the probability of the most probable class, (N, H, W) in [1 / C, 1], and this class, (N, H, W) int64."""
    confidence, label = at_least_float32(logits).softmax(dim=1).max(dim=1)
    return confidence, label


def sure_share(confidence: Tensor, threshold: float, inside: Optional[Tensor] = None) -> Tensor:
    """Compute the share of the pixels of a batch whose confidence is at least a threshold.

    Args:
        confidence (Tensor): (N, H, W), in [0, 1].
        threshold (float): In [0, 1].
        inside (Tensor, optional): (N, H, W) bool, False for padding, which is not counted.

    Returns:
        Tensor: Scalar in [0, 1]; 0 if there are no pixels to count.
    """
    sure = confidence >= threshold
    if inside is None:
        return sure.to(confidence.dtype).mean()
    return (sure & inside).sum().to(confidence.dtype) / inside.sum().clamp(min=1)


def sure_weights(confidence: Tensor, threshold: float, by_confidence: bool = False) -> Tensor:
    """Return pixel weights (N, H, W): 1, or the confidence, if the confidence is at least a threshold, else 0."""
    weight = confidence if by_confidence else torch.ones_like(confidence)
    return torch.where(confidence >= threshold, weight, torch.zeros_like(weight))


class LabelingPolicy:
    """Base class of labelling policies with a threshold.

    Args:
        threshold (float): Lowest confidence, in [0, 1], at which the teacher is considered confident.

    Raises:
        ValueError: if the threshold is outside [0, 1].
    """

    def __init__(self, threshold: float) -> None:
        if not 0 <= threshold <= 1:
            raise ValueError(f'{type(self).__name__}: threshold={threshold}: it must be in [0, 1]. UDAS takes 0.6, '
                             'DACS 0.968.')
        self.threshold = threshold

    def __call__(self, logits: Tensor, inside: Optional[Tensor] = None) -> TeacherLabels:
        """Label a batch.

        Args:
            logits (Tensor): (N, C, H, W), unnormalised logits of the teacher.
            inside (Tensor, optional): (N, H, W) bool, False for padding.

        Returns:
            TeacherLabels: Labels of all pixels. The caller sets the labels of padding to 255.
        """
        raise NotImplementedError


@MODELS.register_module()
class ThresholdLabeling(LabelingPolicy):
    """Pixels of which the teacher is confident get its class, all others get 255.

    Args:
        threshold (float): In [0, 1]. Defaults to 0.6.

    Source: UDAS, section 3.5.
    """

    def __init__(self, threshold: float = 0.6) -> None:
        super().__init__(threshold)

    def __call__(self, logits: Tensor, inside: Optional[Tensor] = None) -> TeacherLabels:
        """Label a batch, without weights."""
        confidence, label = most_probable(logits)
        kept = confidence >= self.threshold
        return TeacherLabels(label.masked_fill(~kept, IGNORE), kept)


@MODELS.register_module()
class SureShareLabeling(LabelingPolicy):
    """Every pixel gets the teacher's class. All have the same weight, the share of confident pixels in the batch.

    Args:
        threshold (float): In [0, 1]. Defaults to 0.968.

    Source: Tranheden et al., "DACS: Domain Adaptation via Cross-domain Mixed Sampling", WACV 2021, section 3.
    """

    def __init__(self, threshold: float = 0.968) -> None:
        super().__init__(threshold)

    def __call__(self, logits: Tensor, inside: Optional[Tensor] = None) -> TeacherLabels:
        """Label a batch, with the same weight for all pixels."""
        confidence, label = most_probable(logits)
        share = sure_share(confidence, self.threshold, inside)
        return TeacherLabels(label, confidence >= self.threshold, share.expand_as(confidence))


@MODELS.register_module()
class PixelWeightLabeling(LabelingPolicy):
    """Every pixel gets the teacher's class, and a weight that is above 0 only if the teacher is confident.

    Unlike with `ThresholdLabeling`, other pixels keep a label, which mixing and later weights can use, and the average
    of the loss is over these pixels too, even with `avg_non_ignore=True`.

    Args:
        threshold (float): In [0, 1]. Defaults to 0.968.
        by_confidence (bool): Whether the weight of a confident pixel is its confidence instead of 1. Defaults to False.
    """

    def __init__(self, threshold: float = 0.968, by_confidence: bool = False) -> None:
        super().__init__(threshold)
        self.by_confidence = by_confidence

    def __call__(self, logits: Tensor, inside: Optional[Tensor] = None) -> TeacherLabels:
        """Label a batch, with a weight for each pixel."""
        confidence, label = most_probable(logits)
        weight = sure_weights(confidence, self.threshold, self.by_confidence)
        return TeacherLabels(label, confidence >= self.threshold, weight)


@MODELS.register_module()
class ClassBalancedLabeling(LabelingPolicy):
    """Every pixel gets the teacher's class. The most confident pixels of each class have weight 1, all others 0.

    A pixel is used if it is among the share `portion` of the pixels of its class in the batch with the highest
    confidence, or if its confidence is at least `threshold`. Classes of which the teacher is never confident therefore
    also contribute.

    Args:
        threshold (float): In [0, 1]. Defaults to 0.968.
        portion (float): In (0, 1]. Defaults to 0.5.

    Raises:
        ValueError: if an argument is outside its range.

    Source: Zou et al., "Unsupervised domain adaptation for semantic segmentation via class-balanced self-training",
    ECCV 2018, section 4.1, with the pixels of a batch in place of those of the data set.
    """

    def __init__(self, threshold: float = 0.968, portion: float = 0.5) -> None:
        super().__init__(threshold)
        if not 0 < portion <= 1:
            raise ValueError(f'ClassBalancedLabeling: portion={portion}: it must be above 0 and at most 1.')
        self.portion = portion

    def __call__(self, logits: Tensor, inside: Optional[Tensor] = None) -> TeacherLabels:
        """Label a batch, with a weight for each pixel."""
        confidence, label = most_probable(logits)
        lowest = torch.full((logits.shape[1], ), self.threshold, dtype=confidence.dtype, device=confidence.device)
        counted = label if inside is None else label.masked_fill(~inside, IGNORE)
        for number in range(logits.shape[1]):
            of_class = confidence[counted == number]
            if len(of_class):
                kept = max(1, math.ceil(self.portion * len(of_class) - 1e-6))
                lowest[number] = of_class.kthvalue(len(of_class) - kept + 1).values.clamp(max=self.threshold)
        sure = confidence >= lowest[label]
        return TeacherLabels(label, sure, sure.to(confidence.dtype))
