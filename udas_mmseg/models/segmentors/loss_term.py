"""Weights of loss terms over the course of a training."""
from dataclasses import dataclass
from typing import Sequence, Tuple, Union


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
