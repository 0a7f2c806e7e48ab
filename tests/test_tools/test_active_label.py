"""tools/active_label.py, without a real annotation tool: `make test-labelstudio` has one."""
import runpy
from pathlib import Path
from typing import Any, Callable

import cv2
import numpy as np
import pytest

from active_rounds import left, read_tasks, submitted, write_export, write_round
from labeling import save_checkpoint, write_work
from udas_mmseg.active import Selection

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def main() -> Callable[..., None]:
    found = runpy.run_path(str(ROOT / 'tools/active_label.py'))['main']
    return lambda *arguments: found([str(argument) for argument in arguments])


def test_the_whole_loop(tmp_path: Path, main: Callable[..., None], capsys: pytest.CaptureFixture) -> None:
    write_round(tmp_path)
    folder = tmp_path / 'round_1'
    main('export', folder)
    output = capsys.readouterr().out
    assert f'{folder}/label-studio: 2 images, most useful first' in output
    assert f'LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT={tmp_path} label-studio start' in output
    assert f'Local Files: {tmp_path}/images' in output
    tasks = read_tasks(folder)
    task = submitted(tasks[0], 1, completed_by=dict(id=1, email='anna@example.com'))
    path = write_export(tmp_path / 'export.json', [task, left(tasks[1], 2)])
    main('import', folder, path)
    output = capsys.readouterr().out
    assert '2 units in 1 images have an answer, 2 of them new: 220 pixels, 2 new clicks' in output
    assert 'note: 1 of 2 tasks are not labelled' in output
    write_round(tmp_path, 'points', 2)
    main('status', tmp_path)
    output = capsys.readouterr().out
    assert 'round 1: 0 of 2 images done, 1 begun; 2 of 6 units; 2 clicks, 220 pixels' in output
    assert 'by person: anna@example.com 2 units' in output
    assert 'round 2: 0 of 2 images done, 0 begun; 0 of 6 units; 0 clicks, 0 pixels' in output


@pytest.mark.parametrize('arguments, message', [
    (['status', 'nowhere'], 'nowhere is not a round, and has no folder round_<number>'),
    (['export', 'nowhere'], 'nowhere is not the folder of a round'),
    (['import', 'round_1', 'nowhere.json'], 'nowhere.json does not exist'),
])
def test_mistakes_end_with_one_line(tmp_path: Path, main: Callable[..., None], monkeypatch: pytest.MonkeyPatch,
                                    arguments: Any, message: str) -> None:
    monkeypatch.chdir(tmp_path)
    write_round(tmp_path)
    with pytest.raises(SystemExit, match=message):
        main(*arguments)


def test_images_that_are_gone(tmp_path: Path, main: Callable[..., None]) -> None:
    write_round(tmp_path)
    (tmp_path / 'images/a.jpg').unlink()
    with pytest.raises(SystemExit, match='1 of 2 images of .*round_1 do not exist: .*a.jpg'):
        main('export', tmp_path / 'round_1')


def test_select_and_simulate(tmp_path: Path, main: Callable[..., None], monkeypatch: pytest.MonkeyPatch,
                             capsys: pytest.CaptureFixture) -> None:
    write_work(tmp_path)
    monkeypatch.chdir(tmp_path)
    save_checkpoint('trained.pth', 1)
    main('select', 'mine.py', 'trained.pth', '--out', 'rounds', '--strategy', 'entropy', '--settings',
         'units.points_per_image=5', '--budget', 'points=7', '--workers', '0')
    assert 'rounds/round_1: 7 points in ' in capsys.readouterr().out
    selection = Selection.read('rounds/round_1')
    assert selection.strategy['units'] == dict(type='TopPoints', points_per_image=5)
    for path in tmp_path.glob('data/gtFine/train/*/*.png'):
        cv2.imwrite(str(path), np.full((40, 60), 7, np.uint8))  # road
    main('simulate', 'rounds/round_1', 'mine.py')
    output = capsys.readouterr().out
    assert '7 units were answered from ground truth, 7 clicks, 7 pixels' in output and 'road 100.0%' in output
    with pytest.raises(SystemExit, match='--truth nothing: the config has no such data set'):
        main('simulate', 'rounds/round_1', 'mine.py', '--truth', 'nothing')
