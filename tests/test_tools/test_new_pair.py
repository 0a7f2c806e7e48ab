"""From two folders to an exported model in an empty folder, with no file edited."""
import os
import runpy
import shlex
import subprocess
import sys
from pathlib import Path
from urllib.error import URLError

import pytest

from drawings import write_drawings
from forked_python import run_python
from udas_mmseg.engine.config_run import SingleTraining
from udas_mmseg.new_pair import PairOptions, new_pair

ROOT = Path(__file__).parents[2]
ENV = {**os.environ, 'OMP_NUM_THREADS': '1'}


def run(folder: Path, command: str) -> subprocess.CompletedProcess:
    """Run `python TOOL ...` as the tool printed it."""
    python, *args = shlex.split(command)
    assert python == 'python'
    return run_python(*args, cwd=folder, env=ENV)


def test_three_commands_lead_from_folders_to_predictions(tmp_path: Path) -> None:
    write_drawings(tmp_path / 'data', 4)
    work = tmp_path / 'empty'
    work.mkdir()
    made = run(work, f'python {ROOT}/tools/new_pair.py --source ../data/drawings ../data/masks --target ../data/photos '
                     '--val ../data/val ../data/val_ids --target-classes sky,ground,box,bush --out my_pair '
                     '--preset small --iterations 2 --rounds 1')
    assert made.returncode == 0, made.stderr
    train, predict = [line.strip() for line in made.stdout.splitlines() if line.startswith('    python')]
    # two iterations teach nothing: labels of such a teacher would be refused
    run_train = run(work, f'{train} --cfg-options self_training.label.min_coverage=0 self_training.label.'
                          'max_class_share=1')
    assert run_train.returncode == 0, run_train.stdout[-2000:] + run_train.stderr[-2000:]
    _, tool, config, checkpoint, *_ = shlex.split(predict)
    assert (work / config).is_file() and (work / checkpoint).is_file()
    assert Path(tool) == ROOT / 'tools/predict.py'
    assert sorted(path.name for path in work.iterdir()) == ['my_pair', 'work_dirs']
    done = run(work, predict.replace('IMAGES', '../data/photos'))
    assert done.returncode == 0, done.stderr
    masks = [path.name for path in sorted((work / 'predictions/mask').iterdir())]
    assert masks == [f'{number:03d}.png' for number in range(4)]


def test_mistakes_have_no_traceback(tmp_path: Path) -> None:
    failed = run(tmp_path, f'python {ROOT}/tools/new_pair.py --source nowhere nowhere --target nowhere --out pair')
    assert failed.returncode == 1 and not failed.stdout
    assert failed.stderr.strip().splitlines()[-1].startswith('FileNotFoundError: source: the folder nowhere')
    assert 'Traceback' not in failed.stderr


def test_weights_that_cannot_be_downloaded_are_said_without_a_traceback(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(self: object) -> None:
        raise URLError('no network')

    data = write_drawings(tmp_path / 'data', 2)
    new_pair(PairOptions((str(data / 'drawings'), str(data / 'masks')), str(data / 'photos'), str(tmp_path / 'pair')))
    monkeypatch.setattr(SingleTraining, 'train', offline)
    monkeypatch.setattr(sys, 'argv', ['train.py', str(tmp_path / 'pair/uda.py'), '--work-dir', str(tmp_path / 'work')])
    with pytest.raises(SystemExit, match='cannot be downloaded .no network.*init_cfg=None'):
        runpy.run_path(str(ROOT / 'tools/train.py'))['main']()
