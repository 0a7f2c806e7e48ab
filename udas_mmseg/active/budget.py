"""Choosing the most useful units of all images that a budget can pay."""
from dataclasses import dataclass
from typing import List, Mapping, Optional, Union

import numpy as np

from .selection_set import UNITS

KINDS = ('pixels', *UNITS, 'clicks')


@dataclass(frozen=True)
class Budget:
    """How much may be labelled, of all images together.

    Args:
        kind (str): 'pixels', 'points', 'regions', 'images' or 'clicks'.
        amount (int | str): Their number. With 'pixels' also a share of the pixels of all images, such as '2.2%'.

    Raises:
        ValueError: if a value is not allowed.
    """
    kind: str
    amount: Union[int, str]

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f'budget: {self.kind!r} is not allowed. Give one of {KINDS}.')
        if self.share is None and (not isinstance(self.amount, int) or self.amount < 1):
            raise ValueError(f'budget: {self.kind}={self.amount!r}; allowed are integers of 1 or more, and with pixels '
                             "a share such as '2.2%'.")
        if self.share is not None and not 0 < self.share <= 1:
            raise ValueError(f'budget: {self.kind}={self.amount!r}; a share is above 0% and at most 100%.')

    @property
    def share(self) -> Optional[float]:
        """The share of the pixels of all images, 0-1; None if the amount is a number."""
        if self.kind != 'pixels' or not isinstance(self.amount, str) or not self.amount.endswith('%'):
            return None
        try:
            return float(self.amount[:-1]) / 100
        except ValueError:
            return None

    @classmethod
    def of(cls, found: Optional[Mapping[str, Union[int, str]]]) -> Optional['Budget']:
        """Return the budget of a config such as `dict(clicks=5000)`; None for None, that is everything.

        Raises:
            ValueError: if it does not have exactly one entry, or a value is not allowed.
        """
        if found is None:
            return None
        if len(found) != 1:
            raise ValueError(f'budget={dict(found)}: give exactly one of {KINDS}, such as dict(clicks=5000).')
        return cls(*next(iter(found.items())))

    def check(self, unit: str) -> None:
        """Check that the budget can count units of a kind.

        Raises:
            ValueError: if it counts units of another kind.
        """
        if self.kind not in ('pixels', 'clicks', unit):
            raise ValueError(f'the budget is in {self.kind}, but the strategy selects {unit}. Give a budget in {unit}, '
                             'pixels or clicks.')

    def choose(self, scores: np.ndarray, pixels: np.ndarray, clicks: np.ndarray, total: int) -> List[int]:
        """Choose the most useful units that the budget can pay, and never more.

        A unit that costs more than what is left is passed over, and less useful ones that are cheaper may follow.

        Args:
            scores (np.ndarray): (K,) usefulness of the units of all images; of equal ones, the first are chosen.
            pixels (np.ndarray): (K,) pixels of each unit.
            clicks (np.ndarray): (K,) clicks of each unit.
            total (int): Number of pixels of all images.

        Returns:
            list[int]: Numbers of the chosen units, most useful first.

        Raises:
            ValueError: if there are units, but the budget does not suffice for any.
        """
        costs = pixels if self.kind == 'pixels' else clicks if self.kind == 'clicks' else np.ones_like(pixels)
        left = int(self.amount) if self.share is None else int(self.share * total)
        if not len(costs):
            return []
        cheapest, chosen = int(costs.min()), []
        if cheapest > left:
            raise ValueError(f'a budget of {left} {self.kind} does not suffice for any unit: the cheapest one costs '
                             f'{cheapest}. Give at least as much.')
        for number in np.argsort(-scores, kind='stable').tolist():
            if costs[number] <= left:
                left -= int(costs[number])
                chosen.append(number)
            if left < cheapest:
                break
        return chosen
