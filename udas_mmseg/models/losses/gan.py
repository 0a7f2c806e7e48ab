"""Losses and accuracy of discriminators."""
from typing import Dict, Sequence, Union

import torch
import torch.nn.functional as F
from torch import Tensor

from .precision import at_least_float32

SOURCE, TARGET = 0, 1  # the labels of the two domains
OBJECTIVES = ('vanilla', 'lsgan')
Scores = Union[Tensor, Sequence[Tensor]]


def gan_loss(output: Scores, domain: int, objective: str = 'vanilla') -> Tensor:
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


def gradient_penalty(output: Scores, maps: Tensor) -> Tensor:
    """Compute the squared gradient of a discriminator's scores with respect to its input.

    Args:
        output (Tensor | Sequence[Tensor]): As in `gan_loss`, computed from `maps`.
        maps (Tensor): (N, C, H, W), which needs gradients.

    Returns:
        Tensor: Scalar >= 0 with a graph: sum over classes and pixels, mean over images, sum over scales.

    Source: Mescheder et al., "Which Training Methods for GANs do actually Converge?", ICML 2018, equation 9 (R1),
    without the factor 1/2, as in MRNet's code.
    """
    penalties = []
    for scores in [output] if isinstance(output, Tensor) else output:
        gradient, = torch.autograd.grad(at_least_float32(scores).sum(), maps, create_graph=True)
        penalties.append(at_least_float32(gradient).square().sum() / len(maps))
    return torch.stack(penalties).sum()


def discriminator_loss(source: Scores, target: Scores, maps: Tensor, objective: str = 'vanilla',
                       penalty: float = 0.0) -> Dict[str, Tensor]:
    """Compute the loss of a discriminator: 1/2 (GAN(source) + GAN(target) + penalty * gradient_penalty(source)).

    Args:
        source (Tensor | Sequence[Tensor]): Its output for the source, as in `gan_loss`.
        target (Tensor | Sequence[Tensor]): Its output for the target.
        maps (Tensor): (N, C, H, W), its input for the source; needs gradients if there is a penalty.
        objective (str): As in `gan_loss`.
        penalty (float): Weight of the `gradient_penalty` on the source. Defaults to 0.

    Returns:
        dict[str, Tensor]: `loss`, and `acc_source` and `acc_target` without gradient, see `gan_accuracy`.
    """
    loss = gan_loss(source, SOURCE, objective) + gan_loss(target, TARGET, objective)
    if penalty > 0:
        loss = loss + penalty * gradient_penalty(source, maps)
    return dict(loss=0.5 * loss, acc_source=gan_accuracy(source, SOURCE, objective),
                acc_target=gan_accuracy(target, TARGET, objective))


def gan_accuracy(output: Scores, domain: int, objective: str = 'vanilla') -> Tensor:
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
