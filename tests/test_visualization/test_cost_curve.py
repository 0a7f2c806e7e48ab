"""Curves of a score over the cost of labels."""
import pytest

from udas_mmseg.visualization.comparison import markdown_table, summarize
from udas_mmseg.visualization.cost_curve import CostPoint, cost_series

RUNS = [
    dict(name=f'carla2camvid/{name}', seed=seed, seconds=60., metrics=dict(metrics, mIoU=mIoU + seed))
    for seed in (0, 2) for name, mIoU, metrics in (
        ('labor_ppl: adapted', 60., {}), ('labor_ppl: round 2', 75., {'cost/clicks': 200., 'cost/percent': 0.2}),
        ('labor_ppl: round 1', 70., {'cost/clicks': 100. + seed, 'cost/percent': 0.1}), ('oracle', 80., {}))]


def test_points_are_in_the_order_of_their_cost_from_the_adapted_model() -> None:
    curves, references = cost_series(summarize(RUNS))
    assert list(curves) == ['labor_ppl'] and references == {'oracle': 81.}
    assert [point[:2] for point in curves['labor_ppl']] == [(0, 61.), (101., 71.), (200., 76.)]
    assert all(point.deviation == pytest.approx(2**0.5) for point in curves['labor_ppl'])
    assert cost_series(summarize(RUNS), 'percent')[0]['labor_ppl'][1] == CostPoint(0.1, 71., pytest.approx(2**0.5))


@pytest.mark.parametrize('rows, cost, message', [
    (RUNS, 'hours', "cost='hours': allowed are clicks, percent"),
    (RUNS[:1], 'clicks', r'no row has cost/clicks.*labor_ppl: adapted'),
    ([dict(RUNS[0], metrics={'aAcc': 1.})], 'clicks', r"adapted has no 'mIoU', but \['aAcc'\]"),
])
def test_what_cannot_be_drawn_is_named(rows: list, cost: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cost_series(summarize(rows), cost)


def test_tables_have_the_cost_of_the_rounds() -> None:
    lines = markdown_table(summarize(RUNS)).splitlines()
    assert lines[0] == '| config | mIoU | clicks | labelled, % | seeds | minutes a run |'
    assert '| 76.0 ± 1.4 | 200 | 0.2 | 0, 2 | 1.0 |' in lines[3] and '| - | - | 0, 2 |' in lines[2]
