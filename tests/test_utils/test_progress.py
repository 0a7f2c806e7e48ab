"""Progress on a terminal and in a file."""
import re
import sys
from functools import partial
from types import ModuleType, SimpleNamespace
from typing import Any, List

import pytest

from udas_mmseg.utils import progress
from udas_mmseg.utils.progress import Progress, clear_line, clock, relay


class Clock:
    """The time, which a test sets."""
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(progress, 'time', found)
    return found


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, '_STATUS', progress.StatusLine())
    monkeypatch.setattr(progress.StatusLine, 'on_terminal', True)
    monkeypatch.setenv('COLUMNS', '60')


def run(time: Clock, total: int, seconds: float) -> None:
    task = Progress('training', total, unit='iterations')
    for number in range(1, total + 1):
        time.now += seconds
        task.show(number, partial('loss {:.2f}'.format, 1 / number))
    task.finish(total, 'mIoU 50.0')


@pytest.mark.parametrize('total, seconds, lines', [
    (2, 1, 1), (100, 1, 4), (100, 6, 11), (120000, 0.6, 121),
])
def test_a_file_gets_few_lines(time: Clock, capsys: pytest.CaptureFixture, total: int, seconds: float,
                               lines: int) -> None:
    run(time, total, seconds)
    said = capsys.readouterr().err.splitlines()
    assert abs(len(said) - lines) <= 1
    assert said[-1] == f'training: {total}/{total} iterations, took {clock(total * seconds)}, mIoU 50.0'
    assert all(re.fullmatch(r'training: \d+/\d+ iterations, [\d:]+ left, loss [\d.]+', line) for line in said[:-1])
    assert '\r' not in ''.join(said)


def test_time_left_is_that_of_the_rest(time: Clock, capsys: pytest.CaptureFixture) -> None:
    task = Progress('labels', 100, done=60)
    time.now += 20
    task.update(70)
    assert capsys.readouterr().err == 'labels: 70/100 images, 0:01:00 left\n'
    task.update(100)
    assert capsys.readouterr().err == 'labels: 100/100 images, took 0:00:20\n'


def test_a_terminal_has_one_line(time: Clock, terminal: None, capsys: pytest.CaptureFixture) -> None:
    run(time, 50, 0.1)
    said = capsys.readouterr().err
    assert said.count('\n') == 1 and said.endswith('took 0:00:05, mIoU 50.0\n')
    assert 10 <= said.count('\r') <= 26, 'not more than five changes in a second'
    assert max(map(len, re.split('[\r\n]', said.replace('\033[K', '')))) <= 59


def test_other_output_replaces_the_live_line(time: Clock, terminal: None, capsys: pytest.CaptureFixture) -> None:
    task = Progress('labels', 10)
    time.now += 1
    task.update(5)
    capsys.readouterr()
    clear_line()
    assert capsys.readouterr().err == '\033[K'
    clear_line()
    assert capsys.readouterr().err == '', 'nothing is there'


def test_processes_share_the_line(terminal: None, capsys: pytest.CaptureFixture) -> None:
    assert not relay('Saving checkpoint at 100 iterations', 'first')
    assert relay('02_adapt: 10/300 iterations, 0:01:00 left, loss 2\n', 'first', task='a')
    assert relay('seed_0: 1/300 iterations, 0:02:00 left\n', 'second', task='b')
    shown: List[str] = capsys.readouterr().err.split('\r')
    assert shown[-2].endswith('first: 10/300 iterations, 0:01:00 left, loss 2 | second: 1/')  # cut at the width
    assert relay('02_adapt: 300/300 iterations, took 0:02:00\n', 'first', task='a')
    assert capsys.readouterr().err.endswith('first: 300/300 iterations, took 0:02:00\n'
                                            'second: 1/300 iterations, 0:02:00 left\r')
    relay('seed_0: 300/300 iterations, took 0:02:00\n', 'second', task='b')


def test_short_tasks_of_other_processes_are_left_out(capsys: pytest.CaptureFixture) -> None:
    assert relay('verifying: 9/9 images, took 0:00:03', 'first')
    assert capsys.readouterr().err == ''
    assert relay('verifying: 9/9 images, took 0:00:23', 'first')
    assert capsys.readouterr().err == 'first: 9/9 images, took 0:00:23\n'


class Notebook:
    """A stand-in for IPython; `outputs` has all states of each output of the cells."""

    def __init__(self) -> None:
        self.shell = SimpleNamespace(kernel=object(), execution_count=1)
        self.outputs: List[List[str]] = []

    def display(self, content: dict, raw: bool, display_id: bool) -> Any:
        assert raw and display_id and set(content) == {'text/plain'}
        states = [content['text/plain']]
        self.outputs.append(states)
        return SimpleNamespace(update=lambda content, raw: states.append(content['text/plain']))


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Notebook:
    found = Notebook()
    ipython, module = ModuleType('IPython'), ModuleType('IPython.display')
    ipython.get_ipython, module.display = lambda: found.shell, found.display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, 'IPython', ipython)
    monkeypatch.setitem(sys.modules, 'IPython.display', module)
    monkeypatch.setattr(progress, '_STATUS', progress.StatusLine())
    return found


def test_a_notebook_has_one_output_for_each_task(time: Clock, shown: Notebook, capsys: pytest.CaptureFixture) -> None:
    run(time, 10, 1)
    assert len(shown.outputs) == 1 and len(shown.outputs[0]) == 11
    assert shown.outputs[0][4] == 'training: 5/10 iterations, 0:00:05 left, loss 0.20'
    assert shown.outputs[0][-1] == 'training: 10/10 iterations, took 0:00:10, mIoU 50.0'
    run(time, 2, 1)
    assert len(shown.outputs) == 2
    assert capsys.readouterr().err == ''


def test_the_line_of_an_interrupted_cell_is_left_there(time: Clock, shown: Notebook) -> None:
    for count in (1, 2):
        shown.shell.execution_count = count
        task = Progress('training', 10)
        for number in (1, 2):
            time.now += 1
            task.show(number)
    assert [len(states) for states in shown.outputs] == [2, 2]


def test_ipython_in_a_terminal_is_no_notebook(time: Clock, shown: Notebook, capsys: pytest.CaptureFixture) -> None:
    del shown.shell.kernel
    run(time, 2, 1)
    assert not shown.outputs and 'took 0:00:02' in capsys.readouterr().err
