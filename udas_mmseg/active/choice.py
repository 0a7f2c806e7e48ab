"""Choosing the units of a round among the candidates of all images."""
from typing import Collection, Dict, Iterator, List, Optional, Sequence, Tuple

import numpy as np

from .budget import Budget
from .candidates import Candidates, CandidateWriter
from .selection_set import SelectedImage, Unit

Found = Dict[int, Tuple[Candidates, Tuple[int, int]]]


def choose_units(writer: CandidateWriter, skipped: Collection[str],
                 budget: Optional[Budget]) -> Tuple[List[SelectedImage], Iterator[Tuple[str, np.ndarray]]]:
    """Choose among the candidates of all images.

    Args:
        writer (CandidateWriter): The candidates.
        skipped (Collection[str]): Images without candidates, names as in `writer.names`.
        budget (Budget, optional): The budget of all images together. None: all are chosen.

    Returns:
        tuple: The images with chosen units, most useful first, and name and map of the units of each of them.

    Raises:
        ValueError: if there are no candidates, or the budget does not suffice for any.
    """
    found = {number: writer.read(number) for number, name in enumerate(writer.names) if name not in skipped}
    chosen = _choose(found, budget)
    if not chosen:
        raise ValueError(f'the strategy selects nothing in {len(found)} images. With regions, lower `min_pixels`; if '
                         'the classifiers agree everywhere, train the pixel selector longer.')
    order = sorted(chosen, key=lambda number: -found[number][0].score)
    selected = []
    for number in order:
        candidates, (height, width) = found[number]
        units = [Unit(**{**vars(unit), 'id': new}) for new, unit in enumerate(chosen[number], 1)]
        selected.append(SelectedImage(writer.name_of(number), writer.images[number], width, height, candidates.score,
                                      units))

    def maps() -> Iterator[Tuple[str, np.ndarray]]:
        for number in order:
            renumbered = np.zeros(len(found[number][0].units) + 1, np.uint16)
            renumbered[[unit.id for unit in chosen[number]]] = np.arange(1, len(chosen[number]) + 1)
            yield writer.name_of(number), renumbered[writer.read_numbers(number)]

    return selected, maps()


def _choose(found: Found, budget: Optional[Budget]) -> Dict[int, List[Unit]]:
    """Return the chosen units of each image that has any, most useful first."""
    owners = [number for number, (candidates, _) in found.items() for _ in candidates.units]
    units = [unit for candidates, _ in found.values() for unit in candidates.units]
    numbers: Sequence[int] = range(len(units))
    if budget is not None:
        scores = np.array([value for candidates, _ in found.values() for value in candidates.usefulness])
        pixels, clicks = (np.array([getattr(unit, cost) for unit in units]) for cost in ('pixels', 'clicks'))
        numbers = budget.choose(scores, pixels, clicks, sum(height * width for _, (height, width) in found.values()))
    chosen: Dict[int, List[Unit]] = {}
    for number in sorted(numbers):  # the candidates of an image are in order of usefulness
        chosen.setdefault(owners[number], []).append(units[number])
    return chosen
