"""Curves of a score over the number of labelled images, and the tool that draws them."""
import json
import runpy
from pathlib import Path

import cv2
import pytest

from udas_mmseg.visualization.budget_curve import Point, budget_series, draw_budget_curves, split_budget

ROOT = Path(__file__).parents[2]


def row(name: str, mean: float, deviation: float = 0.) -> dict:
    return dict(name=name, metrics={'mIoU': (mean, deviation)})


ROWS = [row('a/mix_10', 70., 2.), row('a/mix_2', 60., 1.), row('a/oracle', 80.), row('b/labeled_5_alone', 50.)]


@pytest.mark.parametrize(('name', 'expected'), [
    ('udas/gta2cs_uda_cutmix_100', ('gta2cs_uda_cutmix', 100)),
    ('benchmarks/carla2camvid/labeled_10_cutmix', ('labeled_cutmix', 10)),
    ('2_3_mine', ('2_mine', 3)),
    ('configs_1/oracle', ('oracle', None)),
])
def test_budget_in_a_name(name: str, expected: tuple) -> None:
    assert split_budget(name) == expected


def test_curves_have_increasing_budgets_and_other_rows_are_lines() -> None:
    curves, references = budget_series(ROWS)
    assert curves == {'mix': [Point(2, 60., 1.), Point(10, 70., 2.)], 'labeled_alone': [Point(5, 50., 0.)]}
    assert references == {'oracle': 80.}


@pytest.mark.parametrize(('rows', 'message'), [
    ([row('oracle', 80.)], r"no row has a label budget in its name.*\['oracle'\]"),
    ([row('a/mix_2', 1.), row('b/mix_2', 2.)], 'two rows are mix with 2 labels, such as b/mix_2'),
    ([dict(name='mix_2', metrics={'aAcc': (1., 0.)})], r"mix_2 has no 'mIoU', but \['aAcc'\]"),
])
def test_what_cannot_be_drawn_is_named(rows: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        budget_series(rows)


def test_a_higher_score_is_drawn_higher(tmp_path: Path) -> None:
    pictures = []
    for mean in (40., 60.):  # one point against a fixed line
        draw_budget_curves([row('mix_2', mean), row('oracle', 50.)], str(tmp_path / 'curve.png'))
        picture = cv2.imread(str(tmp_path / 'curve.png')).astype(int)
        blue = (picture[:, :, 0] - picture[:, :, 2] > 60) & (picture.sum(2) < 600)
        blue[:picture.shape[0] // 3] &= False  # where the legend may be; the lower point is below it
        pictures.append(blue.sum())
    assert pictures[0] > pictures[1]


def test_tool_reads_what_compare_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    runs = [dict(name=f'udas/mix_{budget}', seed=seed, seconds=1., metrics={'mIoU': 50. + budget + seed})
            for budget in (1, 2) for seed in (0, 1)]
    Path('runs.json').write_text(json.dumps(runs))
    rounds = [dict(name=f'labor: round {number}', seed=0, seconds=1., metrics={'mIoU': 50., 'cost/clicks': 9. * number})
              for number in (1, 2)]
    Path('rounds.json').write_text(json.dumps(rounds))
    Path('other.json').write_text('{"a": 1}')
    main = runpy.run_path(str(ROOT / 'tools/plot_budgets.py'))['main']
    main(['runs.json', '--out', 'pictures/curve.png'])
    assert min(cv2.imread('pictures/curve.png').shape[:2]) > 300
    main(['rounds.json', '--cost', 'clicks', '--out', 'pictures/costs.png'])
    assert min(cv2.imread('pictures/costs.png').shape[:2]) > 300
    Path('broken.json').write_text('[{')
    for arguments, message in (
        (['other.json'], 'other.json does not have results of tools/compare.py'), (['none.json'], 'No such file'),
        (['broken.json'], 'broken.json is not'), (['runs.json'] * 2, '4 runs .*more than once, such as udas/mix_1'),
        (['runs.json', '--cost', 'clicks'], 'no row has cost/clicks, which runs in rounds'),
        (['runs.json', '--labels', 'max=a'], r"\['max'\] to label, but \['mix'\]")):  # yapf: disable
        with pytest.raises(SystemExit, match=message):
            main([*arguments, '--out', 'curve.png'])
