"""Tables over several seeds."""
import pytest

from udas_mmseg.utils.digests import config_digest
from udas_mmseg.visualization.comparison import markdown_table, summarize


def run(name: str, seed: int, **metrics: float) -> dict:
    return dict(name=name, seed=seed, seconds=60.0 * (seed + 1), metrics=metrics)


RUNS = [
    run('floor', 0, **{'IoU/road': 10.0, 'mIoU': 20.0}),
    run('oracle', 0, **{'IoU/road': 90.0, 'IoU/car': 70.0, 'mIoU': 80.0}),
    run('floor', 1, **{'IoU/road': 30.0, 'mIoU': 26.0}),
]


def test_mean_and_sample_standard_deviation() -> None:
    floor, oracle = summarize(RUNS)
    assert floor['seeds'] == [0, 1] and floor['minutes'] == 1.5
    assert floor['metrics']['mIoU'] == pytest.approx((23.0, 18**0.5))
    assert oracle['metrics']['mIoU'] == (80.0, 0.0)


def test_a_class_that_a_seed_lacks_is_left_out() -> None:
    rows = summarize([run('a', 0, **{'IoU/car': 1.0, 'mIoU': 1.0}), run('a', 1, mIoU=3.0)])
    assert set(rows[0]['metrics']) == {'mIoU'}
    rows = summarize([run('a', 0, **{'IoU/car': None, 'mIoU': 1.0}), run('a', 1, **{'IoU/car': 2.0, 'mIoU': 3.0})])
    assert set(rows[0]['metrics']) == {'mIoU'}


def test_table() -> None:
    lines = markdown_table(summarize(RUNS)).splitlines()
    assert lines[0] == '| config | road | car | mIoU | seeds | minutes a run |'
    assert lines[2] == '| floor | 20.0 | - | 23.0 ± 4.2 | 0, 1 | 1.5 |'
    assert lines[3] == '| oracle | 90.0 | 70.0 | 80.0 ± 0.0 | 0 | 1.0 |'


def test_digest_ignores_where_and_which_seed_only() -> None:
    base = dict(model=dict(depth=18), work_dir='a', randomness=dict(seed=0))
    assert config_digest(base) == config_digest(dict(base, work_dir='b', randomness=dict(seed=1)))
    assert config_digest(base) != config_digest(dict(base, model=dict(depth=50)))
    assert config_digest(base) != config_digest(dict(base, load_from='other.pth'))
