"""Making a table: what is finished is kept, and failures do not stop the other rows."""
import json
from pathlib import Path
from typing import Callable, List

import pytest

from pages import text_of
from toy_tables import StandIn, write_config
from udas_mmseg.experiments import Plan, Step, describe, run, run_plan, write_page, write_results_of
from udas_mmseg.self_training.lock import WorkDirError


def nothing(step: Step) -> None:
    """Called with each finished step."""


def test_finished_steps_are_kept(plan: Callable, stand_in: StandIn, capsys: pytest.CaptureFixture) -> None:
    made: List[str] = []
    assert run_plan(plan(), lambda step: made.append(step.title)) == {}
    assert made == [step.title for step in plan().steps]
    assert '[1/8] plain, seed 0\n[2/8, about 0:14:00 left] translator, seed 0' in capsys.readouterr().out
    stand_in.asked.clear()
    assert run_plan(plan(), nothing) == {} and stand_in.asked == []
    run_plan(plan(seeds=2), nothing)
    assert 'train.py: plain, seed 1' in stand_in.asked and not [line for line in stand_in.asked if 'seed 0' in line]


def test_an_interrupted_training_goes_on(plan: Callable, stand_in: StandIn) -> None:
    stand_in.interrupted = 'translated, seed 0'
    with pytest.raises(KeyboardInterrupt):
        run_plan(plan(), nothing)
    assert '| translated | 0 | begun |' in describe(plan())
    stand_in.interrupted = None
    stand_in.asked.clear()
    assert run_plan(plan(), nothing) == {}
    assert stand_in.asked[0] == 'train.py: translated, seed 0' and '--resume' in stand_in.commands['translated, seed 0']


def test_a_failure_leaves_out_only_what_needs_it(plan: Callable, stand_in: StandIn) -> None:
    stand_in.fails = ['translator, seed 0']
    failed = run_plan(plan(), nothing)
    assert failed['translator, seed 0'].endswith('no memory')
    assert failed['translated, seed 0'] == 'not done, because it needs translations, seed 0'
    assert [*failed] == ['translator, seed 0', 'translations, seed 0', 'translated, seed 0', 'read, seed 0']
    text = write_results_of(plan(), failed)
    assert '| rectified |' in text and '| 51.0 |' in text
    stand_in.fails = ()
    assert run_plan(plan(), nothing) == {}
    assert stand_in.asked.count('train.py: plain, seed 0') == 1


def test_another_config_is_refused(plan: Callable, stand_in: StandIn, tmp_path: Path) -> None:
    run_plan(plan(), nothing)
    write_config(tmp_path / 'mine', 'translator', lr=0.25)
    assert '| translator | 0 | other settings |' in describe(plan())
    assert '| translated | 0 | other settings |' in describe(plan()), 'what was trained on its translations, too'
    failed = run_plan(plan(), nothing)
    assert 'translator/seed_0 was started with another version of' in failed['translator, seed 0']
    assert failed['translator, seed 0'].endswith('or choose another --work-dir.') and 'plain, seed 0' not in failed
    assert '| 41.0 |' not in write_results_of(plan()), 'a score of other settings'


def test_a_step_of_another_process_is_left_out(
        plan: Callable, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    def acquire(lock: run.WorkDirLock) -> None:
        if 'translator' in str(lock.path):
            raise WorkDirError('in use.')

    monkeypatch.setattr(run.WorkDirLock, 'acquire', acquire)
    failed = run_plan(plan(), nothing)
    assert failed['translator, seed 0'] == 'in use. Then call the same command again.' and len(failed) == 4


@pytest.fixture
def finished(plan: Callable, stand_in: StandIn) -> Plan:
    found = plan(seeds=2)
    run_plan(found, nothing)
    return found


def test_the_table_has_our_figures_beside_the_papers(finished: Plan) -> None:
    lines = write_results_of(finished).splitlines()
    assert lines[0] == '## A paper, section 1: stages' and 'A -> B. A network.' in lines
    head, _, *rows = [line for line in lines if line.startswith('| ')]
    assert head == "| row | config | mean | mIoU | gain | the paper | the paper's gain | clicks | seeds | minutes |"
    cells = [[cell.strip() for cell in row.strip('|').split('|')] for row in rows]
    assert cells[0][2:] == ['31.5 ± 0.7', '30.5 ± 0.7', '-', '20', '-', '1234', '0, 1', '2.0']
    assert cells[1][2:] == ['41.5 ± 0.7', '40.5 ± 0.7', '+10.0', '25.5', '+5.5', '1234', '0, 1', '2.0']
    assert cells[2][5:7] == ['-', '-'], 'not published'
    assert cells[4] == ['large', 'no config: images are small', '-', '-', '-', '60', '+40.0', '-', '-', '-']
    assert cells[5][2:] == [*cells[0][2:4], '+0.0', '-', '-', *cells[0][7:]]
    assert cells[6][2:4] == ['-', '5.0 ± 0.0'] and 'translations, read by plain' in cells[6][1]
    assert lines[-1] == 'A note.'
    written = json.loads(Path(f'{finished.out}.json').read_text())
    assert written['rows'][1]['metrics']['mIoU/mean'] == dict(mean=41.5, std=pytest.approx(0.5**0.5))
    assert [run['seed'] for run in written['rows'][1]['runs']] == [0, 1]


def test_the_page_begins_with_the_table(finished: Plan) -> None:
    page = Path(write_page(finished, images=0, shown=0, failed={'other, seed 0': 'no <memory>\nmore'}))
    text = text_of(page)
    assert text.index('The table') < text.index('Models') and '<summary>8 runs</summary>' in page.read_text()
    places = [page.read_text().index(f'<button type="button">{title}</button>')
              for title in ('row', 'mIoU', 'minutes', 'config')]
    assert places == sorted(places), 'the scores beside the names'
    for part in ('A paper, section 1: stages', 'no config: images are small', '+10.025.5+5.5', 'A note.',
                 'other, seed 0: no <memory>'):
        assert part in text, part
    figures = json.loads((page.parent / 'report.json').read_text())
    assert figures['table']['rows'][0]['published'] == 20.0
    assert [row['name'] for row in figures['ladder']] == ['source only', 'translated', 'rectified', 'few labels']
    assert figures['ladder'][1]['metrics']['mIoU']['mean'] == 40.5 and figures['ladder'][1]['seeds'] == [0, 1]


def test_without_a_finished_row_there_is_no_page(plan: Callable) -> None:
    assert write_page(plan()) == ''
