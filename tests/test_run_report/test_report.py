"""The report on runs, without models."""
import json
import re
from pathlib import Path

import pytest

from pages import text_of
from run_folders import evidence, write_self_training, write_training, write_two_seeds
from udas_mmseg.apis.report import read_runs
from udas_mmseg.run_report import report as module
from udas_mmseg.run_report import write_run_report
from udas_mmseg.run_report.charts import line_chart, ticks
from udas_mmseg.run_report.evidence import picture_width


@pytest.fixture(scope='module')
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Self-training with two seeds, and a single training."""
    root = tmp_path_factory.mktemp('runs')
    write_training(root / 'baseline')
    write_two_seeds(root / 'ssl')
    return root


@pytest.fixture(scope='module')
def written(seeds: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp('report')
    write_run_report(str(out), read_runs([str(seeds)]), images=0, shown=0)
    return out


def test_rows_have_mean_and_deviation_over_the_seeds(written: Path) -> None:
    figures = json.loads((written / 'report.json').read_text())
    assert [(row['name'], row['seeds']) for row in figures['ladder']] == [('mine', [7]), ('adapted', [0, 1]),
                                                                         ('round 1', [0, 1])]
    assert figures['ladder'][1]['metrics']['mIoU'] == dict(mean=32.0, std=pytest.approx(8**0.5))
    assert figures['curves']['val/mIoU']['mine'] == [[[5, 10.0], [10, 20.0]]]
    assert figures['confusion'] is None
    page = text_of(written / 'report.html')
    kept = ' (kept in 1 of 2 runs)'
    for line in (f'adapted{kept}32.0 ± 2.8+12.0', f'round 1{kept}42.0 ± 2.8+10.0', '<car>'):
        assert line in page, line
    assert '<td data-value="42"><b>42.0 ± 2.8</b>' in (written / 'report.html').read_text(), 'the best one'


def test_labels_of_active_rounds_have_their_cost(tmp_path: Path) -> None:
    for seed, clicks in enumerate((12000, 12690)):
        write_self_training(tmp_path / f'seed_{seed}', seed, cost=dict(clicks=clicks, percent=0.02, pixels=9, units=3))
    found = write_run_report(str(tmp_path / 'out'), read_runs([str(tmp_path)]), 0, 0)
    assert [row['metrics'].get('cost/clicks', {}).get('mean') for row in found['ladder']] == [None, 12345]
    page = (tmp_path / 'out/report.html').read_text()
    titles = re.findall('<button type="button">(.*?)</button>', page)
    assert titles[5:9] == ['clicks', 'labelled, %', 'minutes', 'seeds']
    adapted, round_1 = re.findall('<tr><td data-value="(?:adapted|round 1).*</tr>', page)
    assert adapted.count('<td data-value="">-</td>') == 2 and 'of all labels of target images so far' in page
    assert '<td data-value="12345">12345</td><td data-value="0.02">0.02</td>' in round_1


def test_without_active_rounds_there_is_no_cost(written: Path) -> None:
    assert 'clicks' not in text_of(written / 'report.html')


@pytest.mark.parametrize('kept, place', [('student', 1), ('teacher', 0)])
def test_pictures_begin_with_the_kept_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: str,
                                            place: int) -> None:
    monkeypatch.setattr(module, 'collect_evidence', evidence)
    write_self_training(tmp_path / 'started', kept=kept).rename(tmp_path / 'moved')
    write_run_report(str(tmp_path / 'out'), read_runs([str(tmp_path / 'moved')]), 2, 2)
    page = (tmp_path / 'out/report.html').read_text()
    assert f'max="1" value="{place}"' in page
    assert f'<option selected>{("adapted", "round 1")[place]}</option>' in page, 'of the confusion matrices'
    assert '>round 1 (kept)<' in page if kept == 'student' else '>adapted (kept)<' in page


def test_the_page_tells_what_was_done(written: Path) -> None:
    page = (written / 'report.html').read_text()
    titles = re.findall('<h2>(.*?)</h2>', page)
    assert titles == ['Models', 'Classes', 'Learning curves', 'Pseudo-labels', 'Kept models', 'Stages and times',
                      'Versions and hardware', 'Differences between the configs', 'Reports of the stages']
    text = text_of(written / 'report.html')
    for part in ('student (02_student_r1)', 'teacher (00_adapt)mIoU 20.0 instead of 30.0', 'road nearly disappears',
                 '01_label_r10.675.050.040.010.0-', 'NVIDIA Test GPU', 'Pseudo-labels: seed_0/01_label_r1'):
        assert part in text, part
    assert '<h3>A set of labels</h3>' in page, 'the report of the stage, one level below'
    assert page.count('<h1>') == 1 and '<car>' not in page
    assert not re.search(r'(?:src|href)="(?!data:|#)', page) and 'http' not in page, 'it needs no network'


def test_differences_between_configs(written: Path) -> None:
    found = json.loads((written / 'report.json').read_text())['config_differences']
    assert found == {'mine → adapted': [],
                     'adapted → round 1': [dict(key='optim_wrapper.optimizer.lr', before='0.1', after='0.2')]}


def test_a_page_stays_small(seeds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, 'LARGEST', 0)
    write_run_report(str(tmp_path), read_runs([str(seeds / 'ssl/seed_0')]), images=0, shown=0)
    page = text_of(tmp_path / 'report.html')
    assert 'It would make this page too large' in page and 'A set of labels' not in page


def test_missing_images_and_configs_are_named(tmp_path: Path) -> None:
    write_training(tmp_path / 'one')
    write_training(tmp_path / 'two', config='other.py')
    (tmp_path / 'two/other.py').write_text('not a config')
    write_run_report(str(tmp_path / 'out'), read_runs([str(tmp_path)]), 1, 1)
    page = text_of(tmp_path / 'out/report.html')
    assert 'No config has validation images' in page and 'The config of other cannot be read: ' in page


def test_pictures_of_many_models_are_smaller() -> None:
    assert [picture_width(count) for count in (1, 80, 320)] == [640, 640, 320]


@pytest.mark.parametrize('folders, message', [
    (['nowhere'], 'nowhere does not exist'),
    (['empty'], 'empty has no run: neither manifest.json'),
    (['ssl', 'ssl/seed_1'], 'ssl/seed_1 is given twice'),
])
def test_mistakes_are_named(seeds: Path, monkeypatch: pytest.MonkeyPatch, folders: list, message: str) -> None:
    monkeypatch.chdir(seeds)
    (seeds / 'empty').mkdir(exist_ok=True)
    with pytest.raises((OSError, ValueError), match=message):
        read_runs(folders)


def test_more_images_cannot_be_shown_than_are_predicted(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='images=3, shown=4'):
        write_run_report(str(tmp_path), [], 3, 4)


@pytest.mark.parametrize('low, high, expected', [(0, 23.4, [0, 5, 10, 15, 20, 25]), (3, 3, [3, 4]),
                                                 (-0.1, 0.1, [-0.1, -0.05, 0, 0.05, 0.1])])
def test_ticks_are_round_and_include_the_range(low: float, high: float, expected: list) -> None:
    assert ticks(low, high) == pytest.approx(expected)


def test_charts_are_escaped_and_thinned() -> None:
    chart = line_chart('<a>', {'b & c': [[(step, 1.0) for step in range(1000)]], 'd': [[(1, 0.5)]]}, 'x', 'y')
    assert 'aria-label="&lt;a&gt;"' in chart and '<li><svg' in chart and 'b &amp; c' in chart
    first = re.findall('points="(.*?)"', chart)[0].split()
    assert len(first) == 200 and chart.count('<circle') == 1, 'single points only in short curves'
    assert line_chart('t', {'a': [[]]}, 'x', 'y') == ''
