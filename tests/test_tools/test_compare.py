"""Tables over configs and seeds, made resumably; and `tools/test.py`, which scores each run."""
import json
import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Callable

import pytest
import torch
from mmseg.registry import MODELS

from forked_python import run_python
from small_data import write_demo_data
from tiny_self_training import write_configs
from udas_mmseg.engine.launch import load_config

ROOT = Path(__file__).parents[2]
SMALL = '''
_base_ = '{root}/configs/demo/source_only.py'
train_cfg = dict(max_iters={iters}, val_interval=100)
model = dict(backbone=dict(base_channels=8, stem_channels=8), decode_head=dict(in_channels=64),
             auxiliary_head=dict(in_channels=32))
train_dataloader = dict(batch_size=2, num_workers=0, persistent_workers=False)
test_dataloader = dict(num_workers=0)
'''


@pytest.fixture
def call(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess]:
    environment = {**os.environ, 'UDAS_DEMO_ROOT': str(write_demo_data(tmp_path / 'data'))}

    def run(tool: str, *arguments: str) -> subprocess.CompletedProcess:
        return run_python(ROOT / 'tools' / tool, *arguments, cwd=tmp_path, env=environment)

    return run


def test_finished_runs_are_kept_and_changed_configs_refused(processes: str, call: Callable, tmp_path: Path) -> None:
    config = tmp_path / 'configs/mine/small.py'
    config.parent.mkdir(parents=True)
    config.write_text(SMALL.format(root=ROOT, iters=2))
    command = ['compare.py', str(config), '--seeds', '0', '1', '--out', 'tables/small', '--vary',
               'train_dataloader.batch_size=1']
    name = 'mine/small train_dataloader.batch_size=1'
    first = call(*command)
    assert first.returncode == 0, first.stderr
    runs = json.loads((tmp_path / 'tables/small.json').read_text())
    assert [(run['name'], run['seed']) for run in runs] == [(name, 0), (name, 1)]
    assert all('train_dataloader.batch_size=1' in run['command'] for run in runs)
    assert runs[0]['metrics'] != runs[1]['metrics']
    assert 'mIoU' in runs[0]['metrics'] and runs[0]['seconds'] > 0 and runs[0]['versions']['mmsegmentation']
    table = (tmp_path / 'tables/small.md').read_text()
    assert table in first.stdout and f'| {name} |' in table and '| 0, 1 |' in table

    checkpoints = {path: path.stat().st_mtime_ns for path in tmp_path.rglob('*.pth')}
    assert len(checkpoints) == 2
    second = call(*command)
    assert second.returncode == 0 and (tmp_path / 'tables/small.md').read_text() == table
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob('*.pth')} == checkpoints, 'trained again'

    config.write_text(SMALL.format(root=ROOT, iters=3))
    changed = call(*command)
    assert changed.returncode == 1
    assert 'started with another version' in changed.stderr and '2 of 2 runs failed' in changed.stderr


def test_a_run_that_fails_does_not_stop_the_others(call: Callable, tmp_path: Path) -> None:
    good, bad = tmp_path / 'good.py', tmp_path / 'bad.py'
    good.write_text(SMALL.format(root=ROOT, iters=1))
    bad.write_text(SMALL.format(root=ROOT, iters=1) + "source_train = dict(data_root='nowhere')\n"
                   "train_dataloader['dataset'] = dict(dataset=dict(data_root='nowhere'))\n")
    result = call('compare.py', str(bad), str(good), '--out', 'table')
    assert result.returncode == 1
    assert 'nowhere/images' in result.stderr and '1 of 2 runs failed: bad, seed 0' in result.stderr
    assert '| good |' in (tmp_path / 'table.md').read_text()


def test_self_training_has_a_row_for_each_model(call: Callable, tmp_path: Path) -> None:
    config = write_configs(tmp_path / 'mine', iters=2, train=2)
    command = ['compare.py', str(config), '--seeds', '3', '--out', 'rounds', '--cfg-options',
               'self_training.rounds=1']
    done = call(*command)
    assert done.returncode == 0, done.stderr
    runs = json.loads((tmp_path / 'rounds.json').read_text())
    assert [(run['name'], run['seed']) for run in runs] == [('ssl: adapted', 3), ('ssl: round 1', 3)]
    stages = json.loads(next(tmp_path.rglob('manifest.json')).read_text())['stages']
    student = stages['04_student_r1']
    assert [run['metrics'] for run in runs] == [stages['02_adapt']['metrics'], student['test']]
    assert runs[1]['seconds'] == stages['03_label_r1']['seconds'] + stages['04_student_r1']['seconds']
    assert '| ssl: adapted |' in done.stdout and '| ssl: round 1 |' in done.stdout
    assert '| mean | worst | seeds |' in done.stdout, 'over the groups of test images'

    weights = {path: path.stat().st_mtime_ns for path in tmp_path.rglob('*.pth')}
    assert call(*command).returncode == 0
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob('*.pth')} == weights, 'trained again'


@pytest.mark.parametrize(('varied', 'message'), [
    ('budget=1,2', 'source_only.py has no such key'),
    ('budget', 'must be KEY=a,b,c'),
    ('randomness.seed=1,2', 'use --seeds'),
])
def test_keys_that_cannot_be_varied(varied: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    main = runpy.run_path(str(ROOT / 'tools/compare.py'))['main']
    monkeypatch.setattr(sys, 'argv', ['compare.py', str(ROOT / 'configs/demo/source_only.py'), '--out', 'table',
                                      '--vary', varied])
    with pytest.raises(SystemExit, match=message):
        main()


@pytest.mark.parametrize('config, checkpoint, message', [
    ('nowhere.py', 'a.pth', 'config nowhere.py does not exist'),
    (str(ROOT / 'configs/demo/source_only.py'), 'a.pth', 'checkpoint a.pth does not exist'),
])
def test_scoring_what_is_not_there(call: Callable, config: str, checkpoint: str, message: str) -> None:
    result = call('test.py', config, checkpoint)
    assert result.returncode == 1
    assert message in result.stderr and 'Traceback' not in result.stderr


def test_a_checkpoint_is_scored_only_if_it_fits(call: Callable, tmp_path: Path) -> None:
    (tmp_path / 'small.py').write_text(SMALL.format(root=ROOT, iters=1))
    torch.manual_seed(0)
    state = MODELS.build(load_config(str(tmp_path / 'small.py')).model).state_dict()
    torch.save(dict(state_dict=state, meta={}), tmp_path / 'alone.pth')
    torch.save(dict(state_dict={f'segmentor.{key}': value for key, value in state.items()}), tmp_path / 'whole.pth')
    torch.save(dict(state_dict={key.replace('decode_head', 'head'): value for key, value in state.items()}),
               tmp_path / 'other.pth')
    metrics = []
    for name in ('alone', 'whole'):
        done = call('test.py', 'small.py', f'{name}.pth', '--json', f'{name}.json')
        assert done.returncode == 0, done.stderr
        metrics.append(json.loads((tmp_path / f'{name}.json').read_text(), parse_constant=pytest.fail))
    assert metrics[0] == metrics[1] and 'mIoU' in metrics[0]
    refused = call('test.py', 'small.py', 'other.pth')
    assert refused.returncode == 1 and 'Traceback' not in refused.stderr
    assert 'ValueError: other.pth: the checkpoint does not match the config: ' in refused.stderr
    assert 'missing (decode_head.convs.0.weight' in refused.stderr and 'unexpected (head.convs' in refused.stderr
    allowed = call('test.py', 'small.py', 'other.pth', '--allow-partial', '--json', 'other.json')
    assert allowed.returncode == 0 and 'missing (decode_head' in allowed.stdout + allowed.stderr
