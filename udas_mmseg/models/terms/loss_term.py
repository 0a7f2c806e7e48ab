"""Weights of losses that change during a training."""
from dataclasses import dataclass, fields
from typing import Optional, Sequence, Tuple, Union

# the weight in a config: one number, one for each head, or the arguments of LossTerm
Weight = Union[float, Sequence[float], dict, 'LossTerm']


@dataclass(frozen=True)
class LossTerm:
    """Weight of one loss term: 0 before `begin`, then rising linearly over `ramp` iterations.

    Args:
        weight (float | Sequence[float]): One weight, or one for each head (main, auxiliary); none negative.
        begin (int): First iteration (from 0) in which the term is used. Defaults to 0.
        ramp (int): Number of iterations from `begin` until the full weight; 0 starts with the full weight. Defaults
            to 0.

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
    def from_config(cls, name: str, cfg: Weight, num_weights: Optional[int] = 1) -> 'LossTerm':
        """Build a `LossTerm` from a config, with errors that name the term.

        Args:
            name (str): Name of the term.
            cfg (float | Sequence[float] | dict | LossTerm): Only the weight, or a dict with `weight` and optionally
                `begin` and `ramp`, or a `LossTerm`.
            num_weights (int, optional): Number of weights of the term; None allows any number. Defaults to 1.

        Raises:
            ValueError: for another key, a negative value, or another number of weights.
        """
        if isinstance(cfg, LossTerm):
            return cfg
        known = [field.name for field in fields(cls)]
        if not isinstance(cfg, dict):
            cfg = dict(weight=cfg)
        if 'weight' not in cfg or not set(cfg) <= set(known):
            raise ValueError(f'{name}={dict(cfg)}: it needs `weight`, and may have {known[1:]}, nothing else.')
        try:
            term = cls(**cfg)
        except ValueError as error:
            given = cfg['weight'] if len(cfg) == 1 else dict(cfg)
            raise ValueError(f'{name}={given}: weight, begin and ramp must be 0 or more.') from error
        if num_weights is not None and len(term.weights) != num_weights:
            raise ValueError(f'{name}.weight has {len(term.weights)} entries; this term has {num_weights}'
                             f'{", one for each level (main, auxiliary)" if num_weights > 1 else ""}.')
        return term

    def __post_init__(self) -> None:
        if min((*self.weights, self.begin, self.ramp)) < 0:
            raise ValueError(f'{self}: weight, begin and ramp must be 0 or more.')

    @property
    def weights(self) -> Tuple[float, ...]:
        """The full weights, always as a tuple."""
        return (self.weight, ) if isinstance(self.weight, (int, float)) else tuple(self.weight)

    def at(self, iteration: int) -> Tuple[float, ...]:
        """Return the weights in an iteration (from 0)."""
        if iteration < self.begin:
            factor = 0.0
        elif iteration >= self.begin + self.ramp:
            factor = 1.0
        else:
            factor = (iteration - self.begin) / self.ramp
        return tuple(weight * factor for weight in self.weights)
