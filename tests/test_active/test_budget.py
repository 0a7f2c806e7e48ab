"""Costs in clicks, and budgets."""
from typing import Any, Dict

import numpy as np
import pytest

from udas_mmseg.active.budget import Budget
from udas_mmseg.active.clicks import region_clicks, segment_clicks, unit_clicks

SCORES = np.array([1., 5, 5, 3])
PIXELS = np.array([10, 40, 30, 20])
CLICKS = np.array([4, 9, 5, 4])


def square(top: int, left: int, height: int, width: int) -> np.ndarray:
    mask = np.zeros((20, 30), bool)
    mask[top:top + height, left:left + width] = True
    return mask


def test_clicks_are_the_vertices_of_polygons() -> None:
    assert region_clicks(square(2, 3, 10, 12)) == 4 and region_clicks(square(0, 0, 20, 30)) == 4
    assert region_clicks(square(5, 5, 1, 1)) == 3 and region_clicks(square(5, 5, 1, 9)) == 3
    assert region_clicks(square(2, 3, 10, 12) | square(2, 20, 5, 5)) == 8  # two parts
    assert region_clicks(square(2, 3, 10, 12) & ~square(2, 3, 5, 6)) == 6  # L
    hole = region_clicks(square(2, 3, 12, 12) & ~square(5, 6, 5, 5))
    assert 4 + 3 <= hole <= 4 + 8
    assert region_clicks(np.zeros((4, 4), bool)) == 0


def test_simplification_saves_clicks() -> None:
    rows, columns = np.ogrid[:60, :60]
    disk = (rows - 30)**2 + (columns - 30)**2 < 25**2
    clicks = [region_clicks(disk, epsilon) for epsilon in (0, 1, 3)]
    assert clicks[0] > clicks[1] > clicks[2] >= 3


def test_segments_and_units_are_counted_one_by_one() -> None:
    label = np.full((20, 30), 255, np.uint8)
    label[:10, :10], label[:10, 10:20], label[12:, :] = 0, 1, 0
    assert segment_clicks(label) == 12
    units = np.zeros((20, 30), np.uint16)
    units[:10, :10], units[:10, 10:20], units[15, 3] = 2, 1, 3  # 1 and 2 touch
    assert unit_clicks(units, 3) == [4, 4, 3]


@pytest.mark.parametrize('budget, expected', [
    (dict(pixels=60), [1, 3]),  # 40, then 30 does not fit, and 20 does
    (dict(pixels=100), [1, 2, 3, 0]), (dict(pixels='6%'), [1, 3]), (dict(clicks=14), [1, 2]), (dict(clicks=8), [2]),
    (dict(regions=3), [1, 2, 3])])
def test_the_most_useful_units_that_can_be_paid(budget: Dict[str, Any], expected: list) -> None:
    limit = Budget.of(budget)
    assert limit is not None
    assert limit.choose(SCORES, PIXELS, CLICKS, total=1000) == expected


@pytest.mark.parametrize('seed', range(5))
@pytest.mark.parametrize('kind', ['pixels', 'clicks', 'points'])
def test_budget_is_never_exceeded(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    pixels, clicks = rng.integers(1, 50, (2, 200))
    chosen = Budget(kind, 150).choose(rng.random(200), pixels, clicks, 10**6)
    cost = dict(pixels=pixels, clicks=clicks, points=np.ones(200))[kind][chosen].sum()
    assert 100 < cost <= 150 and len(set(chosen)) == len(chosen)


def test_budget_that_pays_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match='a budget of 3 clicks does not suffice for any unit: .* costs 4'):
        Budget('clicks', 3).choose(SCORES, PIXELS, CLICKS, 1000)
    nothing = np.zeros(0, int)
    assert Budget('clicks', 3).choose(nothing, nothing, nothing, 1000) == [] and Budget.of(None) is None


@pytest.mark.parametrize('budget, message', [
    (dict(minutes=3), "'minutes' is not allowed. Give one of"), (dict(clicks=0), 'clicks=0; allowed are integers of 1'),
    (dict(clicks='2%'), "clicks='2%'"), (dict(pixels='101%'), 'at most 100%'), (dict(pixels='a%'), "pixels='a%'"),
    (dict(pixels=1.5), 'pixels=1.5'), (dict(), 'exactly one'), (dict(pixels=1, clicks=1), 'exactly one')])
def test_wrong_budgets_are_refused(budget: Dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Budget.of(budget)


def test_budget_counts_the_units_of_the_strategy() -> None:
    Budget('clicks', 3).check('points')
    with pytest.raises(ValueError, match='the budget is in regions, but the strategy selects points'):
        Budget('regions', 3).check('points')
