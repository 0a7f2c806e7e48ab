"""Self-training that is killed in every stage and started again by the same command."""
import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Dict, Tuple

import pytest
import torch

from forked_python import start_python
from tiny_self_training import command, run, write_configs

STAGES = ['00_translator', '01_translate', '02_adapt', '03_label_r1', '04_student_r1', '05_select_r1', '06_label_r2',
          '07_student_r2', '08_select_r2', 'export']  # yapf: disable


def stages(work_dir: Path) -> Dict[str, dict]:
    path = work_dir / 'manifest.json'
    return json.loads(path.read_text())['stages'] if path.exists() else {}


def running(work_dir: Path) -> str:
    """The stage that is under way; '' for none."""
    return ''.join(name for name, entry in stages(work_dir).items() if entry['state'] == 'running')


def kill_in(config: Path, work_dir: Path, stage: str, after: float) -> str:
    """Start the run, kill it and its workers some time after a stage began; the stage in which that was."""
    process = start_python(*command(config, work_dir), env={**os.environ, 'OMP_NUM_THREADS': '1'},
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    before = stages(work_dir).get(stage, {}).get('attempts', 0)
    deadline = time.monotonic() + 120
    while stages(work_dir).get(stage, {}).get('attempts', 0) == before:
        assert process.poll() is None and time.monotonic() < deadline, f'{stage} did not begin'
        time.sleep(0.002)
    time.sleep(after)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return running(work_dir)


def files(work_dir: Path, *folders: str) -> Dict[str, bytes]:
    return {str(path.relative_to(work_dir)): path.read_bytes()
            for folder in folders for path in sorted((work_dir / folder).rglob('*.png'))}


def weights(path: str) -> Dict[str, torch.Tensor]:
    return torch.load(path, weights_only=False)['state_dict']


@pytest.fixture(scope='module')
def undisturbed(processes: str, tmp_path_factory: pytest.TempPathFactory) -> Tuple[Path, Path]:
    """Config and work directory of a run that nothing killed."""
    folder = tmp_path_factory.mktemp('undisturbed')
    config = write_configs(folder, train=8)
    config.write_text(config.read_text().replace("keep='last'", "keep='best', select=dict(by='label_free', "
                                                 "tolerance=100, class_drop=100)"))  # students learn too little
    done = run(config, folder / 'run')
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return config, folder / 'run'


def test_killed_in_every_stage_it_ends_with_the_same_weights_and_labels(undisturbed: Tuple[Path, Path],
                                                                        tmp_path: Path) -> None:
    (config, whole), cut = undisturbed, tmp_path / 'cut'
    seconds = {name: entry['seconds'] for name, entry in stages(whole).items()}
    assert list(seconds) == STAGES

    rng, kills = random.Random(0), []
    for stage in STAGES:
        for _ in range(2 if stage == '04_student_r1' else 1):
            if stages(cut).get(stage, {}).get('state') == 'complete':
                continue
            kills.append(kill_in(config, cut, stage, rng.uniform(0, 0.5) * seconds[stage]))
    # a stage may end earlier than in the run before, on a machine that had other work then
    assert len(kills) >= 8 and len(set(STAGES) - set(kills)) <= 1, f'killed in {kills}'
    done = run(config, cut)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]

    made = files(whole, '01_translate', '03_label_r1', '06_label_r2')
    assert len(made) == 8 + 12 + 12, 'two images are held out from labelling'
    assert files(cut, '01_translate', '03_label_r1', '06_label_r2') == made
    for stage in ('05_select_r1', '08_select_r2'):
        first, second = (stages(folder)[stage] for folder in (whole, cut))
        assert first['kept'] == 'student'
        assert (first['scores'], first['target']) == (second['scores'], second['target'])
    for stage in ('00_translator', '02_adapt', '04_student_r1', '07_student_r2', 'export'):
        first, second = (weights(stages(folder)[stage]['checkpoint']) for folder in (whole, cut))
        assert first.keys() == second.keys()
        assert all(torch.equal(first[key], second[key]) for key in first), stage


def test_rerun_by_hand(undisturbed: Tuple[Path, Path], tmp_path: Path) -> None:
    """A stage's written config is an ordinary one, and gives the weights that the stage gave."""
    whole = undisturbed[1]
    done = run(whole / '02_adapt/config.py', tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    first = weights(stages(whole)['02_adapt']['checkpoint'])
    second = weights(str(tmp_path / 'iter_6.pth'))
    assert all(torch.equal(first[key], second[key]) for key in first)
