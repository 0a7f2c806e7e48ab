"""Self-training from the command line: in two processes, and beside another run."""
import json
import os
import subprocess
import time
from pathlib import Path
from typing import Tuple

import cv2
import pytest

from forked_python import start_python
from tiny_self_training import ROOT, command, run, write_configs
from two_processes import launch_two
from udas_mmseg.engine.launch import load_config
from udas_mmseg.self_training import SelfTrainingRunner
from udas_mmseg.self_training.manifest import Manifest


@pytest.fixture(scope='module')
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two iterations a training, one round."""
    path = write_configs(tmp_path_factory.mktemp('ssl'), iters=2, train=9)
    text = path.read_text().replace("keep='last'", "keep='best', select=dict(by='label_free', source_images=3)")
    path.write_text(text.replace('rounds=2', 'rounds=1'))
    return path


def train_in_two_processes(config: Path, work_dir: Path) -> Tuple[int, str]:
    return launch_two(str(ROOT / 'tools/train.py'), str(config), '--work-dir', str(work_dir), '--launcher', 'pytorch')


def test_two_processes_run_every_stage_once(processes: str, config: Path, tmp_path: Path) -> None:
    code, output = train_in_two_processes(config, tmp_path / 'run')
    assert code == 0, output[-5000:]
    stages = json.loads((tmp_path / 'run/manifest.json').read_text())['stages']
    assert list(stages) == ['00_translator', '01_translate', '02_adapt', '03_label_r1', '04_student_r1', '05_select_r1',
                            'export']
    assert all(entry['state'] == 'complete' and entry['attempts'] == 1 for entry in stages.values())
    assert output.count('Stage 3 of 7') == 1
    assert len(list((tmp_path / 'run/03_label_r1').rglob('*_confidence.png'))) == 7
    assert json.loads((tmp_path / 'run/03_label_r1/index.json').read_text())['num_images'] == 7
    run = SelfTrainingRunner.from_cfg(load_config(str(config), str(tmp_path / 'run')))
    run.context.manifest = Manifest(str(tmp_path / 'run'), {})
    alone = run.stages[5].run(run.context)
    assert {key: stages['05_select_r1'][key] for key in alone} == json.loads(json.dumps(alone)), 'as in one process'
    code, output = train_in_two_processes(config, tmp_path / 'run')
    assert code == 0 and 'Stage' not in output, 'everything is there'


def test_second_run_in_the_same_directory_is_refused_and_the_first_goes_on(config: Path, tmp_path: Path) -> None:
    first = start_python(*command(config, tmp_path), env={**os.environ, 'OMP_NUM_THREADS': '1'},
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 120
        while not (tmp_path / 'manifest.json').exists():
            assert first.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        second = run(config, tmp_path)
        assert second.returncode == 1
        assert f'WorkDirError: {tmp_path} is in use by another run (process {first.pid} on ' in second.stderr
        assert 'Traceback' not in second.stderr
        assert first.poll() is None
    finally:
        first.kill()
        first.wait()


def test_a_dry_run_shows_the_plan_and_missing_data(config: Path, tmp_path: Path) -> None:
    moved = ['--cfg-options', f'self_training.adapt.options.train_dataloader.dataset.target.data_root={tmp_path}/none']
    for options in (['--dry-run', *moved], moved):
        found = run(config, tmp_path / 'run', *options)
        assert found.returncode == 1 and '| 02_adapt |' in found.stdout
        assert f'{tmp_path}/none/leftImg8bit/train' in found.stderr and 'Traceback' not in found.stderr
        assert list(tmp_path.iterdir()) == []


def test_a_dry_run_tries_every_training_and_writes_a_picture(config: Path, tmp_path: Path) -> None:
    found = run(config, tmp_path / 'run', '--dry-run')
    assert found.returncode == 0, found.stderr
    assert [path.name for path in tmp_path.iterdir()] == ['run_dry_run.png']
    assert cv2.imread(str(tmp_path / 'run_dry_run.png')).shape[1] >= 800
    for text in ('\n00_translator:\n', '\n02_adapt (with original images for translations):\n',
                 '\n04_student_r1 (with original images for translations, labels of class 0 for pseudo-labels):\n',
                 'not included: 01_translate, 03_label_r1', f'{tmp_path}/run_dry_run.png: the first batch'):
        assert text in found.stdout
    assert found.stdout.count('s an iteration on') == 3


def test_a_dry_run_of_a_single_training(config: Path, tmp_path: Path) -> None:
    found = run(config.with_name('adapt.py'), tmp_path / 'run', '--dry-run', '--out', f'{tmp_path}/new/batch.png')
    assert found.returncode == 0, found.stderr
    assert [str(path.relative_to(tmp_path)) for path in sorted(tmp_path.rglob('*'))] == ['new', 'new/batch.png']
    assert '2 labelled images' in found.stdout and 'whole training: 2 iterations' in found.stdout


def test_a_dry_run_is_of_one_process(config: Path, tmp_path: Path) -> None:
    for options in (['--dry-run', '--launcher', 'pytorch'], ['--out', 'a.png']):
        found = run(config, tmp_path / 'run', *options)
        assert found.returncode == 2 and '--dry-run' in found.stderr
