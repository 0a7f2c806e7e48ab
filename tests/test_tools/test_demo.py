"""`make demo`, with a few scenes and iterations."""
import importlib.util
import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from forked_python import run_python

ROOT = Path(__file__).parents[2]
LADDER = ['source only', 'translated', 'adapted', 'round 1', 'round 2', 'oracle']
# after two iterations no model is sure of anything, few classes are all there is, and any student is good enough
ANY_LABELS = ['self_training.label.temperature=0.001', 'self_training.label.max_class_share=1',
              'self_training.select.tolerance=100', 'self_training.select.class_drop=100']


def demo(out: Path, *options: str) -> subprocess.CompletedProcess:
    return run_python('tools/demo.py', '--out', out, '--train', 10, '--val', 2, '--iters', 2, '--cfg-options', *options,
                      cwd=ROOT, timeout=900)


def rows(table: str) -> list:
    return [line.split(' | ')[0][2:] for line in table.splitlines() if line.startswith('| ')]


@pytest.fixture(scope='module')
def module() -> Any:
    spec = importlib.util.spec_from_file_location('demo', ROOT / 'tools/demo.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_rung_is_trained_scored_and_drawn_and_kept(processes: str, tmp_path: Path) -> None:
    rounds = 1 if processes == 'forked' else 2
    options = [*ANY_LABELS, f'self_training.rounds={rounds}']
    done = demo(tmp_path, *options)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    table = (tmp_path / 'table.md').read_text()
    assert table in done.stdout
    ladder = [rung for rung in LADDER if rung != 'round 2' or rounds == 2]
    assert rows(table)[2:rounds + 6] == ladder and 'road' in rows(table)[rounds + 6:]
    assert len((done.stdout + done.stderr).splitlines()) <= 100, 'two screens'
    output = (tmp_path / 'self_training/output.txt').read_text()
    assert '02_adapt: 2/2 iterations, took' in output and 'INFO' not in output
    assert f'self-training, stage 3 of {3 * rounds + 4}: 02_adapt' in done.stdout
    assert 'demo/self_training/oracle' in done.stdout
    assert done.stdout.splitlines()[-1].startswith(str(tmp_path / 'report/report.html'))
    figures = json.loads((tmp_path / 'report/report.json').read_text())
    assert [row['name'] for row in figures['ladder']] == ladder == [*figures['confusion']['models']]
    for name in ('predictions.png', 'report/report.html', 'self_training/01_translate_report/report.html',
                 f'self_training/0{3 * rounds}_label_r{rounds}_report/report.html'):
        assert (tmp_path / name).stat().st_size > 10000
    weights = [path for path in tmp_path.rglob('iter_2.pth') if path.parent.name != '00_translator']
    assert len(weights) == rounds + 4
    assert '| kept: student; mIoU ' in output
    written = [path.stat().st_mtime_ns for path in weights]
    again = demo(tmp_path, *options)
    assert table in again.stdout, again.stdout[-3000:] + again.stderr[-3000:]
    assert [path.stat().st_mtime_ns for path in weights] == written, 'what was finished is not trained again'


def test_a_rung_that_fails_ends_the_others_and_is_reported(tmp_path: Path) -> None:
    done = demo(tmp_path, 'self_training.rounds=0')
    assert done.returncode == 1 and 'Traceback' not in done.stderr
    assert 'RuntimeError: self-training failed, log' in done.stderr and 'whole numbers from 1' in done.stderr
    assert not list(tmp_path.rglob('*.pth'))


def test_commands_are_stopped_together(module: Any, tmp_path: Path) -> None:
    commands, shown = module.Commands(3), []
    with pytest.raises(RuntimeError, match=r'(?s)the first failed, log .*line 3\nline 4'):
        commands.run('the first', ['-c', 'for number in range(5): print("line", number)\nexit(7)'],
                     str(tmp_path / 'log'), lambda line: shown.append(line) or '')
    assert len(shown) == 5 and (tmp_path / 'log').read_text().startswith('line 0\n')
    commands.run('threads', ['-c', 'import os; print(os.environ["OMP_NUM_THREADS"])'], str(tmp_path / 'threads'), str)
    assert (tmp_path / 'threads').read_text() == '3\n'
    started = time.monotonic()
    with module.ThreadPoolExecutor(1) as pool:
        job = pool.submit(commands.run, 'the second', ['-c', 'import time; print("up", flush=True); time.sleep(60)'],
                          str(tmp_path / 'second'), str)
        while not (tmp_path / 'second').exists() or not (tmp_path / 'second').read_text():
            time.sleep(0.05)
        commands.stop()
    job.result()  # no error: it was stopped
    assert time.monotonic() - started < 30
    commands.run('the third', ['-c', 'exit(1)'], str(tmp_path / 'third'), str)  # not even begun
    assert not (tmp_path / 'third').exists()
