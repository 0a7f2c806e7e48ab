"""Consistency between the predictions for several views of a labelled image and its label."""
import math

import torch
import torch.nn.functional as F
from torch import Tensor


def smoothed_kl(log_probs: Tensor, label: Tensor, smoothing: float = 0.0, ignore_index: int = 255) -> Tensor:
    """Compute KL(y_smooth || p) for each pixel, with y_smooth = (1 - smoothing) onehot(y) + smoothing / C.

    It is 0 if p = y_smooth. Without smoothing, its value and gradient are those of the cross-entropy.

    Args:
        log_probs (Tensor): (N, C, H, W), logarithms of probabilities.
        label (Tensor): (N, H, W) int64 in {0..C-1, ignore_index}.
        smoothing (float): In [0, 1]. Defaults to 0.
        ignore_index (int): Pixels with this label get 0. Defaults to 255.

    Returns:
        Tensor: (N, H, W), >= 0.

    Source: UDAS, L_cons; label smoothing after Szegedy et al., CVPR 2016, section 7.
    """
    kl = F.nll_loss(log_probs, label, ignore_index=ignore_index, reduction='none')
    if smoothing == 0:
        return kl
    classes = log_probs.shape[1]
    other = smoothing / classes
    # sum_c y log y, with 0 log 0 = 0
    negative_entropy = _xlogx(1 - smoothing + other) + (classes - 1) * _xlogx(other)
    kl = negative_entropy + (1 - smoothing) * kl - smoothing * log_probs.mean(dim=1)
    return kl * (label != ignore_index)


def mean_over_pixels(values: Tensor, label: Tensor, labeled_only: bool, ignore_index: int = 255) -> Tensor:
    """Average over pixels in the same way as MMSegmentation's `CrossEntropyLoss`.

    Args:
        values (Tensor): (N, H, W), 0 where the label is ignored.
        label (Tensor): (N, H, W) int64.
        labeled_only (bool): Whether to divide by the number of labelled pixels instead of all (`avg_non_ignore`).
        ignore_index (int): Defaults to 255.

    Returns:
        Tensor: Scalar; 0 (with gradient 0) if there are no labelled pixels.
    """
    count = (label != ignore_index).sum().clamp(min=1) if labeled_only else label.numel()
    return values.sum() / count


def log_of_probabilities(probs: Tensor) -> Tensor:
    """Logarithm of probabilities that is finite and has a finite gradient where a probability is 0."""
    return probs.clamp(min=torch.finfo(probs.dtype).tiny).log()


def _xlogx(value: float) -> float:
    return value * math.log(value) if value > 0 else 0.0
