"""Self-information and entropy of predictions."""
import math

import torch
from torch import Tensor

from .precision import at_least_float32

_TINY = 1e-30  # keeps the gradient of p log p finite where p is 0


def self_information(prob: Tensor) -> Tensor:
    """Compute the weighted self-information of every class at every pixel, -p log2(p) / log2(C).

    Args:
        prob (Tensor): (N, C, H, W) probabilities in [0, 1] that sum to 1 over C; 0 is allowed.

    Returns:
        Tensor: The same shape, at least float32, normalised such that a uniform prediction sums to 1 over C. The
        gradient is finite everywhere.

    Raises:
        ValueError: if there are fewer than two classes.

    Source: Vu et al., "ADVENT", CVPR 2019, section 3.2.

    Example:
        >>> self_information(torch.full((1, 4, 1, 1), 0.25)).sum()
        tensor(1.)
    """
    num_classes = prob.shape[1]
    if num_classes < 2:
        raise ValueError(f'prob has {num_classes} class in dimension 1, shape {tuple(prob.shape)}; entropy needs at '
                         'least 2. A head with sigmoid output is not supported.')
    prob = at_least_float32(prob)
    return -prob * torch.log(prob.clamp(min=_TINY)) / math.log(num_classes)


def entropy_loss(prob: Tensor) -> Tensor:
    """Compute the normalised entropy, averaged over pixels, which MinEnt minimises on target images.

    Args:
        prob (Tensor): (N, C, H, W) probabilities in [0, 1] that sum to 1 over C.

    Returns:
        Tensor: Scalar in [0, 1]; 1 for uniform predictions.

    Source: Vu et al., "ADVENT", CVPR 2019, equation 4 (averaged over pixels).
    """
    return self_information(prob).sum(dim=1).mean()
