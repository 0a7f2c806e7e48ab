"""Losses between two classifiers, such as the main and the auxiliary one."""
from typing import Optional

import torch
import torch.nn.functional as F
from torch import Tensor

from .precision import at_least_float32


def symmetric_cross_entropy(main_logits: Tensor, aux_logits: Tensor) -> Tensor:
    """Compute the cross-entropy of each classifier with the other, L_kl of UDAS: -sum p_a log p_p - sum p_p log p_a.

    Both arguments get gradients. If both predictions are equal, the result is twice their entropy.

    Args:
        main_logits (Tensor): (N, C, H, W), unnormalised.
        aux_logits (Tensor): The same shape.

    Returns:
        Tensor: Scalar >= 0, averaged over pixels.

    Raises:
        ValueError: if the shapes differ.

    Source: UDAS, section 3.3.
    """
    log_main, log_aux = _log_probabilities(main_logits, aux_logits)
    return -(log_aux.exp() * log_main + log_main.exp() * log_aux).sum(dim=1).mean()


def symmetric_kl(main_logits: Tensor, aux_logits: Tensor) -> Tensor:
    """Compute KL(p_p || p_a) + KL(p_a || p_p), the divergence of the classifiers from each other.

    This is `symmetric_cross_entropy` minus the entropy of both predictions: equal heads have no loss, however uncertain
    they are. Both arguments get gradients.

    Args:
        main_logits (Tensor): (N, C, H, W), unnormalised.
        aux_logits (Tensor): The same shape.

    Returns:
        Tensor: Scalar >= 0, averaged over pixels.

    Raises:
        ValueError: if the shapes differ.

    Source: UDAS, section 3.3, whose text calls L_kl a KL divergence.
    """
    log_main, log_aux = _log_probabilities(main_logits, aux_logits)
    return ((log_main.exp() - log_aux.exp()) * (log_main - log_aux)).sum(dim=1).mean()


def memory_regularization(main_logits: Tensor, aux_logits: Tensor) -> Tensor:
    """Compute KL(m || p_p) + KL(m || p_a), the distances of the classifiers to m = softmax(0.5 F_a + F_p).

    No gradient flows through m.

    Args:
        main_logits (Tensor): (N, C, H, W), unnormalised.
        aux_logits (Tensor): The same shape.

    Returns:
        Tensor: Scalar >= 0, averaged over pixels.

    Raises:
        ValueError: if the shapes differ.

    Source: Zheng and Yang, "Unsupervised Scene Adaptation with Memory Regularization in vivo", IJCAI 2020, section 3.2.
    """
    log_main, log_aux = _log_probabilities(main_logits, aux_logits)
    with torch.no_grad():
        log_mean = (0.5 * at_least_float32(aux_logits) + at_least_float32(main_logits)).log_softmax(dim=1)
    return (_kl_per_pixel(log_mean, log_main) + _kl_per_pixel(log_mean, log_aux)).mean()


def classifier_discrepancy(first_logits: Tensor, second_logits: Tensor, inside: Optional[Tensor] = None) -> Tensor:
    """Compute the mean absolute difference of the probabilities of two classifiers: 1/C sum_c |p_1c - p_2c|.

    Both arguments get gradients, which are 0 where both predictions are equal.

    Args:
        first_logits (Tensor): (N, C, H, W), unnormalised.
        second_logits (Tensor): The same shape.
        inside (Tensor, optional): (N, H, W) bool, the pixels that count. Defaults to all.

    Returns:
        Tensor: Scalar in [0, 2 / C], averaged over pixels; 0 if no pixel counts.

    Raises:
        ValueError: if the shapes differ.

    Source: Saito et al., "Maximum Classifier Discrepancy for Unsupervised Domain Adaptation", CVPR 2018, section 3.2.
    """
    first, second = (log.exp() for log in _log_probabilities(first_logits, second_logits))
    distance = (first - second).abs().mean(dim=1)
    return distance.mean() if inside is None else (distance * inside).sum() / inside.sum().clamp(min=1)


def rectified_cross_entropy(main_logits: Tensor, aux_logits: Tensor, label: Tensor, ignore_index: int = 255) -> Tensor:
    """Cross-entropy with less weight where the classifiers disagree: exp(-v) CE(F_p, y) + v, v = KL(p_p || p_a).

    Use it for pseudo-labels. The gradient also flows through v. For the auxiliary classifier, call it with the two
    logits exchanged.

    Args:
        main_logits (Tensor): (N, C, H, W), unnormalised, of the classifier that is trained.
        aux_logits (Tensor): The same shape, of the other classifier.
        label (Tensor): (N, H, W) int64 in {0..C-1, ignore_index}.
        ignore_index (int): Pixels with this label are left out of both terms. Defaults to 255.

    Returns:
        Tensor: Scalar, averaged over the labelled pixels; 0 (with gradient 0) if there are none.

    Raises:
        ValueError: if the shapes differ.

    Source: Zheng and Yang, "Rectifying Pseudo Label Learning via Uncertainty Estimation", IJCV 2021, equation 6.
    """
    log_main, log_aux = _log_probabilities(main_logits, aux_logits)
    if label.shape != log_main.shape[:1] + log_main.shape[2:]:
        raise ValueError(f'label is {tuple(label.shape)}, the logits are {tuple(log_main.shape)}. Resize the logits to '
                         'the label first (mmseg.models.utils.resize).')
    variance = _kl_per_pixel(log_main, log_aux)
    cross_entropy = F.nll_loss(log_main, label, ignore_index=ignore_index, reduction='none')
    rectified = ((-variance).exp() * cross_entropy + variance) * (label != ignore_index)
    return rectified.sum() / (label != ignore_index).sum().clamp(min=1)


def _log_probabilities(main_logits: Tensor, aux_logits: Tensor) -> tuple:
    """Return the log-softmax of both logits, which is finite for finite logits (unlike the log of the softmax)."""
    if main_logits.shape != aux_logits.shape:
        raise ValueError(f'the two classifiers have shapes {tuple(main_logits.shape)} and {tuple(aux_logits.shape)}. '
                         'Resize one to the other first (mmseg.models.utils.resize).')
    return at_least_float32(main_logits).log_softmax(dim=1), at_least_float32(aux_logits).log_softmax(dim=1)


def _kl_per_pixel(log_p: Tensor, log_q: Tensor) -> Tensor:
    """Compute KL(p || q) for each pixel: (N, C, H, W) -> (N, H, W)."""
    return (log_p.exp() * (log_p - log_q)).sum(dim=1)
