"""Losses and accuracy of discriminators."""
from typing import Sequence, Union

import torch
import torch.nn.functional as F
from torch import Tensor

from .precision import at_least_float32

SOURCE, TARGET = 0, 1  # the labels of the two domains
OBJECTIVES = ('vanilla', 'lsgan')


def gan_loss(output: Union[Tensor, Sequence[Tensor]], domain: int, objective: str = 'vanilla') -> Tensor:
    """Compute the distance of a discriminator's output to the label of a domain.

    Args:
        output (Tensor | Sequence[Tensor]): Unnormalised scores of any shape; with several scales, one tensor for each.
        domain (int): `SOURCE` (0) or `TARGET` (1).
        objective (str): 'vanilla' for the binary cross-entropy of the score's sigmoid, or 'lsgan' for the squared
            distance.

    Returns:
        Tensor: Scalar >= 0: mean over the positions, summed over the scales.

    Raises:
        ValueError: if `objective` is not one of the two.

    Source: Goodfellow et al., "Generative Adversarial Nets", NeurIPS 2014; Mao et al., "Least Squares Generative
    Adversarial Networks", ICCV 2017, equation 2.
    """
    if objective not in OBJECTIVES:
        raise ValueError(f'objective={objective!r}; allowed are {OBJECTIVES}.')
    losses = []
    for scores in map(at_least_float32, [output] if isinstance(output, Tensor) else output):
        if objective == 'lsgan':
            losses.append((scores - domain).square().mean())
        else:  # the binary cross-entropy with label 0 is softplus(x), with label 1 softplus(-x)
            losses.append(F.softplus(scores if domain == SOURCE else -scores).mean())
    return torch.stack(losses).sum()


def gan_accuracy(output: Union[Tensor, Sequence[Tensor]], domain: int, objective: str = 'vanilla') -> Tensor:
    """Compute the share of positions that a discriminator assigns to the right domain.

    An accuracy of 0.5 over both domains means that it cannot tell them apart, which is the aim of the adaptation.

    Args:
        output (Tensor | Sequence[Tensor]): As in `gan_loss`.
        domain (int): The domain of the discriminator's input.
        objective (str): As in `gan_loss`; the boundary between the domains is 0 for 'vanilla' and 0.5 for 'lsgan'.

    Returns:
        Tensor: Scalar in [0, 1], without gradient, mean over the scales.
    """
    boundary = 0.5 if objective == 'lsgan' else 0.0
    outputs = [output] if isinstance(output, Tensor) else output
    says_target = torch.stack([(scores.detach() > boundary).float().mean() for scores in outputs]).mean()
    return says_target if domain == TARGET else 1 - says_target
