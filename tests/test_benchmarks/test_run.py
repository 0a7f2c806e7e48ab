"""The table of the benchmarks, and the files with their figures."""
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable, Dict, List

import pytest
import run
from measuring import Row
from table import BEGIN, END, line, reached, write_into

Toy = Callable[..., Dict[str, Any]]


def row(**changes: Any) -> Row:
    found: Row = dict(name='speed', value=2.0, against='plain: 3', ratio=1.5, cpu_ratio=1.05, spread=(1.2, 1.6),
                      repeats=5, goal='ratio >= 1.1')
    found.update(changes)  # type: ignore[typeddict-item]
    return found


@pytest.fixture
def measure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Toy:
    """Runs two benchmarks, `toy` with the given parts and `plain`, and returns what is in bench.json."""
    monkeypatch.setattr(run, 'machine', lambda root: dict(
        device='CPU', processor='x', cores=2, threads=1, commit='abc', **dict.fromkeys(
            ('python', 'torch', 'cuda', 'mmengine', 'mmsegmentation', 'udas_mmseg'), '1')))
    monkeypatch.setattr(run, 'SUITES', ('toy', 'plain'))

    def measure(parts: Dict[str, Callable[[], List[Row]]], *options: str, code: bool = False) -> Dict[str, Any]:
        monkeypatch.setitem(sys.modules, 'toy', SimpleNamespace(parts=lambda: parts))
        monkeypatch.setitem(sys.modules, 'plain', SimpleNamespace(run=lambda: [row(name='only')]))
        monkeypatch.setattr(sys, 'argv', ['run.py', '--out', str(tmp_path), *options])
        with pytest.raises(SystemExit) as end:
            run.main()
        assert end.value.code == code
        return json.loads((tmp_path / 'bench.json').read_text())

    return measure


def broken() -> List[Row]:
    raise ValueError('a | mistake')


def test_first_parts_are_measured_first_and_the_table_is_by_benchmark(measure: Toy, tmp_path: Path,
                                                                      capsys: pytest.CaptureFixture) -> None:
    found = measure({'first': lambda: [row()], 'second': lambda: [row(name='slow', ratio=1.0)]})
    assert list(found['parts']) == ['toy/first', 'toy/second', 'plain/all']
    shown = capsys.readouterr()
    assert [text.split(' (')[0] for text in shown.err.splitlines()[:3]] == [
        '[1/3] toy, first', '[2/3] plain, all', '[3/3] toy, second']
    table = (tmp_path / 'bench.md').read_text()
    assert table in shown.out
    assert '| speed | 2 | plain: 3 | 1.50 | 1.2 to 1.6 | 1.05 | 5 | ratio >= 1.1 | yes |' in table
    assert '| slow | 2 | plain: 3 | 1.00 |' in table and '**no**' in table and '2 of 3 goals are reached' in table


def test_a_part_that_fails_leaves_the_others_and_is_measured_again(measure: Toy, tmp_path: Path) -> None:
    found = measure({'first': broken, 'second': lambda: [row()]}, code=True)
    assert found['parts']['toy/first']['error'] == 'ValueError: a | mistake'
    assert found['parts']['toy/second']['rows'] and found['parts']['plain/all']['rows']
    assert 'Failed: toy/first' in (tmp_path / 'bench.md').read_text()
    calls: List[str] = []

    def again() -> List[Row]:
        calls.append('again')
        return [row(name='repaired')]

    found = measure({'first': again, 'second': broken}, '--continue')
    assert calls == ['again'] and found['parts']['toy/first']['rows'][0]['name'] == 'repaired'
    assert found['parts']['toy/second']['rows'][0]['name'] == 'speed'


def test_time_runs_out_and_the_rest_is_named(measure: Toy, tmp_path: Path) -> None:
    parts = {'first': lambda: [row()]}
    measure(parts, 'toy')
    found = measure(parts, '--continue', '--minutes', '0')
    assert list(found['parts']) == ['toy/first']
    measure({**parts, 'first': broken}, '--continue')
    assert 'Not measured' not in (tmp_path / 'bench.md').read_text()


def test_figures_of_another_machine_are_not_continued(measure: Toy, monkeypatch: pytest.MonkeyPatch,
                                                      tmp_path: Path) -> None:
    measure({'first': lambda: [row()]})
    content = json.loads((tmp_path / 'bench.json').read_text())
    content['machine']['device'] = 'another'
    (tmp_path / 'bench.json').write_text(json.dumps(content))
    monkeypatch.setattr(sys, 'argv', ['run.py', '--out', str(tmp_path), '--continue'])
    with pytest.raises(SystemExit, match="another device.*'another', now 'CPU'"):
        run.main()


def test_figures_that_are_not_finite_are_null(measure: Toy) -> None:
    found = measure({'first': lambda: [row(value=float('nan'), goal='')]})
    assert found['parts']['toy/first']['rows'][0]['value'] is None
    found = measure({'first': broken}, '--continue')
    assert found['parts']['toy/first']['rows'][0]['value'] is None


@pytest.mark.parametrize(('goal', 'changes', 'expected'), [
    ('ratio >= 1.1', {}, True), ('ratio <= 1.1', {}, False), ('< 8 ms', {}, True), ('> 1', {}, True),
    ('= 0', {}, False),
    ('< 1e-4', dict(value=2e-5), True), ('', {}, None), ('< 1', dict(value=None), False)])  # yapf: disable
def test_goals(goal: str, changes: dict, expected: object) -> None:
    assert reached(row(goal=goal, **changes)) is expected


def test_goals_may_be_compared_with_processor_time() -> None:
    assert reached(row()) and not reached(row(), by_processor_time=True)
    assert reached(row(cpu_ratio=None), by_processor_time=True)


def test_a_goal_that_is_no_comparison_is_an_error(measure: Toy) -> None:
    with pytest.raises(ValueError, match='about 1.*write a comparison'):
        reached(row(goal='about 1'))
    found = measure({'first': lambda: [row(goal='about 1')]}, code=True)
    assert 'write a comparison' in found['parts']['toy/first']['error'] and found['parts']['plain/all']['rows']


def test_memory_and_images_a_second_are_shown() -> None:
    assert '| 2; 3.2 images/s; peak 1.50 GB |' in line(row(images_per_second=3.2, peak_gb=1.5))


def test_table_of_a_page_is_replaced(tmp_path: Path) -> None:
    page = tmp_path / 'page.md'
    page.write_text(f'before\n{BEGIN}\nold\n{END}\nafter\n')
    for _ in range(2):
        write_into(str(page), 'new')
        assert page.read_text() == f'before\n{BEGIN}\n\nnew\n{END}\nafter\n'
    page.write_text('nothing')
    with pytest.raises(ValueError, match='must have the lines'):
        write_into(str(page), 'new')


def test_benchmarks_have_parts() -> None:
    names = {path.stem for path in Path(run.ROOT, 'benchmarks').glob('*.py') if '\ndef parts(' in path.read_text()
             or '\ndef run() -> ' in path.read_text() or '\nrun = ' in path.read_text()}
    assert names == set(Path(run.__file__).parent.joinpath(f'{name}.py').stem for name in REAL_SUITES)


def test_longer_parts_are_measured_when_their_benchmark_is_named(measure: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, 'LONGER', ('toy/slow', ))
    parts = {'first': lambda: [row()], 'slow': lambda: [row(name='slow')]}
    assert list(measure(parts)['parts']) == ['toy/first', 'plain/all']
    assert list(measure(parts, 'toy')['parts']) == ['toy/first', 'toy/slow']


def test_longer_parts_exist() -> None:
    for name in run.LONGER:
        suite, part = name.split('/')
        assert suite in run.SUITES and part in run.parts_of(suite)


REAL_SUITES = (*run.SUITES, *run.ON_REQUEST)
