"""Prediction that is broken off goes on; what cannot be predicted is named."""
import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from forked_python import start_python
from labeling import files_of
from predicting_images import IMAGES, TOOL, error_of, noise, predict
from small_data import write_image


def times_of(folder: Path) -> dict:
    return {path: path.stat().st_mtime_ns for kind in ('mask', 'overlay') for path in (folder / kind).rglob('*.*')}


def test_killed_run_goes_on_and_ends_with_the_same_files(processes: str, work: Path,
                                                         capsys: pytest.CaptureFixture) -> None:
    for number in range(20):
        write_image(work / f'images/more/{number}.png', noise(number))
    process = start_python(TOOL, 'mine.py', 'trained.pth', 'images', '--out', 'killed', '--workers', '0')
    while process.poll() is None and len(list(work.glob('killed/mask/**/*.png'))) < 6:
        time.sleep(0.001)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    predict('mine.py', 'trained.pth', 'images', '--out', 'whole')
    for path in sorted(work.glob('killed/mask/**/*.png'))[::2]:  # so that work is left, wherever the run was killed
        path.unlink()
    kept = {path: when for path, when in times_of(work / 'killed').items() if path.suffix != '.part'}
    capsys.readouterr()
    predict('mine.py', 'trained.pth', 'images', '--out', 'killed')
    assert 'predictions are kept from an earlier run' in capsys.readouterr().err
    assert files_of(work / 'killed') == files_of(work / 'whole')
    again, overlays = times_of(work / 'killed'), {path.stem for path in kept if 'overlay' in path.parts}
    complete = [path for path in kept if 'mask' in path.parts and path.stem in overlays]
    assert complete and all(again[path] == kept[path] for path in complete)


def test_done_files_are_kept_and_new_images_are_added(work: Path) -> None:
    predict('mine.py', 'trained.pth', 'images', '--out', 'out')
    before = times_of(work / 'out')
    predict('mine.py', 'trained.pth', str(work / 'images'), '--out', 'out')
    assert times_of(work / 'out') == before
    write_image(work / 'images/new.png', noise(9))
    assert 'the list of images changed' in error_of('mine.py', 'trained.pth', 'images', '--out', 'out')
    Path(IMAGES[0]).unlink()
    predict('mine.py', 'trained.pth', 'images', '--out', 'out', '--update')
    after = times_of(work / 'out')
    gone, new = before.keys() - after.keys(), after.keys() - before.keys()
    assert {path.name for path in gone} == {'0.jpg', '0.png'} and {path.stem for path in new} == {'new'}
    assert all(after[path] == when for path, when in before.items() if path in after)
    write_image(work / IMAGES[1], noise(5))
    predict('mine.py', 'trained.pth', 'images', '--out', 'out')
    changed = {path.stem for path, when in times_of(work / 'out').items() if when != after[path]}
    assert changed == {'1'}, 'an image that is newer than its prediction'


@pytest.mark.parametrize('arguments, message', [
    (['--what', 'mask'], 'made with another choice of files'),
    (['--opacity', '0.7'], 'made with another opacity'),
    (['--overlay-format', 'png'], 'made with another format'),
    (['--cfg-options', 'test_dataloader.dataset.pipeline.1.scale=(96,64)'], 'made with another model or pipeline'),
])
def test_folder_of_other_settings_is_refused(work: Path, arguments: list, message: str) -> None:
    predict('mine.py', 'trained.pth', 'images', '--out', 'out')
    before = files_of(work / 'out')
    error = error_of('mine.py', 'trained.pth', 'images', '--out', 'out', *arguments)
    assert message in error and '--overwrite' in error and files_of(work / 'out') == before
    predict('mine.py', 'trained.pth', 'images', '--out', 'out', '--overwrite', *arguments)
    assert files_of(work / 'out') != before


def test_folder_of_another_model_is_refused(work: Path) -> None:
    predict('mine.py', 'trained.pth', 'images', '--out', 'out')
    content = Path('trained.pth').read_bytes()
    Path('other.pth').write_bytes(content + b' ')
    assert 'made with another checkpoint (predictor trained.pth' in error_of(
        'mine.py', 'other.pth', 'images', '--out', 'out')


def test_unreadable_images_are_named_and_the_others_are_predicted(work: Path) -> None:
    Path('images/cut.png').write_bytes(Path(IMAGES[1]).read_bytes()[:-30])
    Path('images/empty.jpg').touch()
    Image.fromarray(np.full((4, 6), 5000, np.uint16)).save('images/deep.png')
    arguments = ('mine.py', 'trained.pth', 'images', '--out', 'out')
    error = error_of(*arguments, '--max-broken', '2')
    assert '3 of 6 images cannot be read (max_broken=2); the others are predicted' in error
    for part in ('images/cut.png is truncated', 'images/empty.jpg is empty', 'images/deep.png has more than 8 bits'):
        assert part in error
    before = times_of(work / 'out')
    assert len(before) == 6 and not json.loads((work / 'out/index.json').read_text())['complete']
    predict(*arguments, '--max-broken', '3')
    index = json.loads((work / 'out/index.json').read_text())
    assert list(index['skipped']) == ['cut.png', 'deep.png', 'empty.jpg'] and index['num_images'] == 3
    assert times_of(work / 'out') == before


@pytest.mark.parametrize('arguments, message', [
    (['nowhere.py', 'trained.pth', 'images'], 'config nowhere.py does not exist'),
    (['mine.py', 'nowhere.pth', 'images'], 'checkpoint nowhere.pth does not exist'),
    (['mine.py', 'trained.pth', 'nowhere'], 'nowhere does not exist'),
    (['mine.py', 'trained.pth', 'images', '--opacity', '2'], 'opacity=2.0: it must be 0 to 1'),
    (['mine.py', 'trained.pth', 'images', '--batch-size', '0'], 'batch_size=0: allowed are integers of 1 or more'),
    (['mine.py', 'trained.pth', '.'], 'out is in the image folder'),
    (['mine.py', 'trained.pth', 'images', '--cfg-options', 'model.segmentor.decode_head.dilations=(6,12)'],
     '4 unexpected (segmentor.decode_head.convs.2.weight'),
])  # yapf: disable
def test_mistakes_are_one_clear_line(work: Path, arguments: list, message: str) -> None:
    error = error_of(*arguments, '--out', 'out')
    assert message in error and '\n' not in error and not (work / 'out').exists()


def test_other_folders_are_not_touched(work: Path) -> None:
    error = error_of('mine.py', 'trained.pth', 'images/0.jpg', '--out', 'images')
    assert 'images has files but no index.json' in error and len(files_of(work / 'images')) == 3
