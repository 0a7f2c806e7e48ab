"""From folders to a model of the target domain in one call, which can be repeated."""
import os
import re
import sys
import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from drawings import write_drawings
from udas_mmseg.apis import Predictor, adapt
from udas_mmseg.self_training import SelfTrainingRunner
from udas_mmseg.utils.console import is_quiet

# two iterations teach nothing: labels of such a teacher would be refused
OPTIONS = {'self_training.label.min_coverage': 0, 'self_training.label.max_class_share': 1}


@pytest.fixture(scope='module')
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data, and a folder in which `adapt` was called."""
    root = tmp_path_factory.mktemp('adapt')
    write_drawings(root, 8)  # fewer cannot be held out to choose the best model
    console = is_quiet(), warnings.showwarning
    predictor = call(root)
    assert isinstance(predictor, Predictor) and predictor.classes == ('sky', 'ground', 'box', 'bush')
    assert (is_quiet(), warnings.showwarning) == console
    return root


def call(root: Path, **changes: Any) -> Predictor:
    """`adapt` in two iterations."""
    arguments: Any = dict(
        source=(root / 'drawings', root / 'masks'), target=root / 'photos', out=root / 'mine', preset='small',
        iterations=2, rounds=1, cfg_options=OPTIONS, device='cpu')
    return adapt(**{**arguments, **changes})


def test_everything_is_below_one_folder(work: Path) -> None:
    assert {path.name for path in work.iterdir()} - {'mine'} == {
        'drawings', 'masks', 'photos', 'val', 'val_ids', 'labelmap.txt'}
    assert sorted(path.name for path in (work / 'mine').iterdir()) == ['configs', 'self_training']
    exported = work / 'mine/self_training/export'
    assert (exported / 'mine.py').is_file() and (exported / 'mine.pth').is_file()


def test_a_repeated_call_trains_nothing(work: Path, monkeypatch: pytest.MonkeyPatch,
                                        capsys: pytest.CaptureFixture) -> None:
    def run(self: SelfTrainingRunner, *args: object) -> None:
        raise AssertionError('a stage ran')

    monkeypatch.setattr(SelfTrainingRunner, '_run', run)
    monkeypatch.setattr(sys.modules[adapt.__module__], 'new_pair', run)
    with (work / 'mine/configs/uda.py').open('a') as file:
        file.write('# edited\n')
    image = cv2.imread(str(work / 'photos/000.jpg'))
    result = call(work)(image)
    assert 'All stages were complete already' in capsys.readouterr().out
    model = Predictor(work / 'mine/self_training/export/mine.py', work / 'mine/self_training/export/mine.pth', 'cpu')
    assert np.array_equal(result.mask, model(image).mask)
    monkeypatch.setattr(SelfTrainingRunner, '_run', lambda self, stage, manifest: print('begins', stage.name))
    call(work, rounds=2)
    assert re.search(r'begins \d+_student_r2', capsys.readouterr().out)


def test_other_arguments_for_the_same_folder(work: Path) -> None:
    before = (work / 'mine/configs/setup.py').read_bytes()
    with pytest.raises(ValueError, match=r'other arguments: iterations=3 \(before: 2\)\. Give another `out`'):
        call(work, iterations=3)
    assert (work / 'mine/configs/setup.py').read_bytes() == before


def test_an_interrupted_call_continues(work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                         capsys: pytest.CaptureFixture) -> None:
    def interrupt(self: SelfTrainingRunner) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(SelfTrainingRunner, 'prepare', interrupt)
        call(work, out=tmp_path / 'new')
    assert '- Without val=(IMAGES, LABELS), nothing is scored.' in capsys.readouterr().out
    assert not is_quiet() and os.listdir(tmp_path / 'new') == ['configs']
    with monkeypatch.context() as patch, pytest.raises(OSError, match='the disk of .*new/self_training is full.*call'):
        patch.setattr(SelfTrainingRunner, 'prepare', lambda self: [])
        patch.setattr(SelfTrainingRunner, 'train', lambda self: os.write(os.open('/dev/full', os.O_WRONLY), b'1'))
        call(work, out=tmp_path / 'new', iterations=4)  # nothing was trained: the configs are written again
    assert 'iters = 4' in (tmp_path / 'new/configs/setup.py').read_text()


@pytest.mark.parametrize('changes, message', [
    (dict(source='drawings'), r"source='drawings': give two folders, source=\(IMAGES, LABELS\)"),
    (dict(target='nowhere'), 'target: the folder .*/nowhere does not exist'),
    (dict(preset='big'), "^preset 'big': allowed are small, full"),
    (dict(preset='full', memory=1.0, from_scratch=True), r"^memory 1: ResNet-101 needs .* Take preset='small', whose"),
    (dict(rounds=0), '^rounds 0: it must be 1 or more'),
    (dict(classes=['sky', 'a,b']), "classes: 'a,b' is not a name"),
    (dict(classes=['sky', 'ground']), r"^classes: the source labels have colours.* Give classes '#"),
    (dict(cfg_options={'self_training.students.iterations': 1}), 'students'),
])
def test_mistakes_name_the_arguments(work: Path, tmp_path: Path, changes: dict, message: str) -> None:
    with pytest.raises((ValueError, OSError), match=message) as caught:
        call(work, **{'out': tmp_path / 'new', **changes})
    assert '--' not in str(caught.value)


def test_a_folder_with_other_files_is_kept(work: Path, tmp_path: Path) -> None:
    (tmp_path / 'configs').mkdir()
    (tmp_path / 'configs/uda.py').write_text('mine')
    with pytest.raises(FileExistsError, match='Give another `out`'):
        call(work, out=tmp_path)


def test_ids_and_colours_have_names(work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                    capsys: pytest.CaptureFixture) -> None:
    def stop(self: SelfTrainingRunner) -> None:
        raise ValueError('stop')

    monkeypatch.setattr(SelfTrainingRunner, 'prepare', stop)
    with pytest.raises(ValueError, match='stop'):
        call(work, out=tmp_path / 'new', classes={(0, 0, 255): 'sky', '#5a3c1e': 'ground', '*': 'thing'},
             val=(work / 'val', work / 'val_ids'), target_classes={0: 'sky', 1: 'ground', '*': 'thing'})
    said = capsys.readouterr().out
    assert '--' not in said
    text = (tmp_path / 'new/configs/dataset.py').read_text()
    assert "('sky', 'ground', 'thing')" in text
    assert Image.open(tmp_path / 'new/configs/sheet.png').width > 100
