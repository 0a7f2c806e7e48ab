"""Labels and pixel weights from a teacher's logits: pure functions, and small classes that configs name."""
from typing import NamedTuple, Optional, Tuple

import torch
from mmseg.registry import MODELS
from torch import Tensor, nn

from ...datasets.label_maps import IGNORE
from ..losses.precision import at_least_float32


class TeacherLabels(NamedTuple):
    """Labels that a student learns from.

    Args:
        label (Tensor): (N, H, W) int64 in {0..C-1, 255}; 255 is ignored.
        kept (Tensor): (N, H, W) bool, where the teacher is sure.
        weight (Tensor, optional): (N, H, W) float in [0, 1], the weight of each pixel's loss; None: all count alike.
    """
    label: Tensor
    kept: Tensor
    weight: Optional[Tensor] = None


@torch.no_grad()
def teacher_logits(network: nn.Module, images: Tensor) -> Tensor:
    """A teacher's logits (N, C, H, W) for preprocessed images (N, 3, H, W), at their size."""
    return network.encode_decode(images, [dict(img_shape=images.shape[2:])] * len(images))


def most_probable(logits: Tensor) -> Tuple[Tensor, Tensor]:
    """Probability of the most probable class, (N, H, W) in [1 / C, 1], and that class, (N, H, W) int64."""
    confidence, label = at_least_float32(logits).softmax(dim=1).max(dim=1)
    return confidence, label


def sure_share(confidence: Tensor, threshold: float, inside: Optional[Tensor] = None) -> Tensor:
    """Share of the pixels of a batch whose confidence reaches a threshold.

    Args:
        confidence (Tensor): (N, H, W), in [0, 1].
        threshold (float): In [0, 1].
        inside (Tensor, optional): (N, H, W) bool, False where images are padded; those pixels are not counted.

    Returns:
        Tensor: Scalar in [0, 1]; 0 if no pixel counts.
    """
    sure = confidence >= threshold
    if inside is None:
        return sure.to(confidence.dtype).mean()
    return (sure & inside).sum().to(confidence.dtype) / inside.sum().clamp(min=1)


def sure_weights(confidence: Tensor, threshold: float, by_confidence: bool = False) -> Tensor:
    """Weight of each pixel: 1, or its confidence, where that reaches a threshold, 0 elsewhere; (N, H, W)."""
    weight = confidence if by_confidence else torch.ones_like(confidence)
    return torch.where(confidence >= threshold, weight, torch.zeros_like(weight))


class _Labeling:
    """A policy with a threshold.

    Args:
        threshold (float): Least confidence at which the teacher counts as sure, in [0, 1].

    Raises:
        ValueError: if it is outside.
    """

    def __init__(self, threshold: float) -> None:
        if not 0 <= threshold <= 1:
            raise ValueError(f'{type(self).__name__}: threshold={threshold}: it must be in [0, 1]. UDAS takes 0.6, '
                             'DACS 0.968.')
        self.threshold = threshold

    def __call__(self, logits: Tensor, inside: Optional[Tensor] = None) -> TeacherLabels:
        """Label a batch by the policy.

        Args:
            logits (Tensor): (N, C, H, W), unnormalised, of the teacher.
            inside (Tensor, optional): (N, H, W) bool, False where images are padded.

        Returns:
            TeacherLabels: Labels of all pixels. The caller sets those of padding to 255.
        """
        raise NotImplementedError


@MODELS.register_module()
class ThresholdLabeling(_Labeling):
    """Pixels at which the teacher is sure have its class, all others 255.

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
class SureShareLabeling(_Labeling):
    """Every pixel has the teacher's class; all have one weight, the share of the batch's pixels that are sure.

    Args:
        threshold (float): In [0, 1]. Defaults to 0.968.

    Source: Tranheden et al., "DACS: Domain Adaptation via Cross-domain Mixed Sampling", WACV 2021, section 3.
    """

    def __init__(self, threshold: float = 0.968) -> None:
        super().__init__(threshold)

    def __call__(self, logits: Tensor, inside: Optional[Tensor] = None) -> TeacherLabels:
        """Label a batch, with one weight for all pixels."""
        confidence, label = most_probable(logits)
        share = sure_share(confidence, self.threshold, inside)
        return TeacherLabels(label, confidence >= self.threshold, share.expand_as(confidence))


@MODELS.register_module()
class PixelWeightLabeling(_Labeling):
    """Every pixel has the teacher's class, and a weight: above 0 only where the teacher is sure.

    Unlike `ThresholdLabeling`, unsure pixels keep a label, which mixing and later weights can use, and they count in
    the mean of the loss also with `avg_non_ignore=True`.

    Args:
        threshold (float): In [0, 1]. Defaults to 0.968.
        by_confidence (bool): Whether the weight of a sure pixel is its confidence, and not 1. Defaults to False.
    """

    def __init__(self, threshold: float = 0.968, by_confidence: bool = False) -> None:
        super().__init__(threshold)
        self.by_confidence = by_confidence

    def __call__(self, logits: Tensor, inside: Optional[Tensor] = None) -> TeacherLabels:
        """Label a batch, with a weight for each pixel."""
        confidence, label = most_probable(logits)
        weight = sure_weights(confidence, self.threshold, self.by_confidence)
        return TeacherLabels(label, confidence >= self.threshold, weight)
