"""Loss terms on the target, and their weights over the course of a training."""
from dataclasses import dataclass, fields
from typing import Dict, List, Optional, Sequence, Tuple, Union

from torch import Tensor

from ..losses import entropy_loss, memory_regularization, symmetric_cross_entropy

LEVELS = ('decode', 'aux')  # main and auxiliary head, as MMSegmentation prefixes their losses
KL_FORMS = {'symmetric_cross_entropy': symmetric_cross_entropy, 'memory_regularization': memory_regularization}


@dataclass(frozen=True)
class LossTerm:
    """Weight of one loss term: 0 before `begin`, then rising linearly over `ramp` iterations.

    Args:
        weight (float | Sequence[float]): One weight, or one for each level (main, auxiliary); none negative.
        begin (int): First iteration (from 0) in which the term counts. Defaults to 0.
        ramp (int): Iterations from `begin` until the full weight; 0 starts at the full one. Defaults to 0.

    Raises:
        ValueError: if a weight, `begin` or `ramp` is negative.

    Example:
        >>> LossTerm(weight=0.1, begin=1000, ramp=500).at(1250)
        (0.05,)
    """
    weight: Union[float, Sequence[float]]
    begin: int = 0
    ramp: int = 0

    @classmethod
    def from_config(cls, name: str, cfg: dict, num_weights: int) -> 'LossTerm':
        """Build from a config, with errors that name the term.

        Args:
            name (str): Name of the term.
            cfg (dict): `weight`, and perhaps `begin` and `ramp`.
            num_weights (int): How many weights the term has.

        Raises:
            ValueError: for another key, or another number of weights.
        """
        known = [field.name for field in fields(cls)]
        if 'weight' not in cfg or not set(cfg) <= set(known):
            raise ValueError(f'{name}={dict(cfg)}: it needs `weight`, and may have {known[1:]}, nothing else.')
        term = cls(**cfg)
        if len(term.weights) != num_weights:
            raise ValueError(f'{name}.weight has {len(term.weights)} entries; this term has {num_weights}'
                             f'{", one for each level (main, auxiliary)" if num_weights > 1 else ""}.')
        return term

    def __post_init__(self) -> None:
        if min((*self.weights, self.begin, self.ramp)) < 0:
            raise ValueError(f'{self}: weight, begin and ramp must be 0 or more.')

    @property
    def weights(self) -> Tuple[float, ...]:
        """The full weights, as a tuple also if there is only one."""
        return (self.weight, ) if isinstance(self.weight, (int, float)) else tuple(self.weight)

    def at(self, iteration: int) -> Tuple[float, ...]:
        """The weights in an iteration (from 0)."""
        if iteration < self.begin:
            factor = 0.0
        elif iteration >= self.begin + self.ramp:
            factor = 1.0
        else:
            factor = (iteration - self.begin) / self.ramp
        return tuple(weight * factor for weight in self.weights)


def agreement_losses(logits: List[Tensor], iteration: int, entropy: Optional[LossTerm], kl: Optional[LossTerm],
                     kl_form: Optional[str]) -> Dict[str, Tensor]:
    """Terms on the target that need no discriminator: entropy of each head, and divergence between the heads.

    Args:
        logits (list[Tensor]): (N, C, H, W) of each level, all of one size.
        iteration (int): Decides the weights.
        entropy (LossTerm, optional): A weight for each level.
        kl (LossTerm, optional): One weight.
        kl_form (str, optional): One of `KL_FORMS`.

    Returns:
        dict[str, Tensor]: Weighted scalars; where the weight is 0 now, 0 without a gradient.
    """
    losses: Dict[str, Tensor] = {}
    nothing = logits[0].new_zeros(())
    if entropy is not None:
        for name, level, weight in zip(LEVELS, logits, entropy.at(iteration)):
            losses[f'{name}.loss_ent'] = weight * entropy_loss(level.softmax(dim=1)) if weight else nothing
    if kl is not None and kl_form is not None:
        weight, = kl.at(iteration)
        losses['loss_kl'] = weight * KL_FORMS[kl_form](*logits) if weight else nothing
    return losses
