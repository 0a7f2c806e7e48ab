"""Translating that is broken off, or finds damage, goes on and ends with the same files."""
import errno
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Dict

import cv2
import numpy as np
import pytest

from forked_python import start_python
from small_data import write_image
from translating import IMAGES, TOOL, UNSEEN, error_of, files_of, save_checkpoint, times_of, translate
from udas_mmseg.datasets import image_files

STOPS = '''
import os, runpy, sys, time
tool, first = sys.argv.pop(1), sys.argv[-1] + '/bonn/5.png'
replace = os.replace
def stops(part, path):
    # from this image on, half a file is written, and no more
    if str(path) >= first and '.png' in str(path):
        os.truncate(part, 100)
        while True:
            time.sleep(1)
    replace(part, path)
os.replace = stops
runpy.run_path(tool, run_name='__main__')
'''


def test_killed_run_goes_on_and_ends_with_the_same_files(whole: Dict[str, bytes], tmp_path: Path,
                                                         capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / 'out'
    command = ['mine.py', 'trained.pth', '--workers', '1', '--out', str(out)]
    (tmp_path / 'stops.py').write_text(STOPS)
    process = start_python(tmp_path / 'stops.py', TOOL, *command, env={**os.environ, 'OMP_NUM_THREADS': '1'},
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    while not (out / f'{IMAGES[5]}.part').exists() or not all((out / name).exists() for name in IMAGES[:5]):
        assert process.poll() is None, process.stdout.read()[-3000:]
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)  # with its workers, as a machine that stops
    process.wait()
    kept = times_of(out)
    assert sorted(kept) == IMAGES[:5] and json.loads((out / 'index.json').read_text())['complete'] is False
    translate('--workers', '1', '--out', str(out))
    assert f'translating: {out.name}: 10/10 images' in capsys.readouterr().err
    assert files_of(out) == whole
    assert {name: time for name, time in times_of(out).items() if name in kept} == kept


@pytest.mark.parametrize('number', [1, 6])
def test_full_disk_is_said_and_the_run_goes_on(data: Path, tmp_path: Path, feels_batch_size: None, number: int,
                                               monkeypatch: pytest.MonkeyPatch) -> None:
    replace, out = os.replace, tmp_path / 'out'
    translate('--out', f'{tmp_path}/whole')
    whole = files_of(tmp_path / 'whole')

    def full_disk(part: Path, path: Path) -> None:
        if IMAGES[number] in str(path):
            os.truncate(part, 100)
            raise OSError(errno.ENOSPC, 'No space left on device')
        replace(part, path)

    with monkeypatch.context() as patch:
        patch.setattr(os, 'replace', full_disk)
        error = error_of('--out', str(out))
    assert f'the disk of {out} is full' in error and 'same command' in error and '\n' not in error
    kept = times_of(out)
    assert IMAGES[number] not in kept and 0 < len(kept) < 10 and not (tmp_path / 'out_report').exists()
    assert all((out / name).read_bytes() == whole[name] for name in kept)
    translate('--out', str(out))
    assert files_of(out) == whole
    assert {name: time for name, time in times_of(out).items() if name in kept} == kept


@pytest.mark.parametrize('workers', ['0', '1'])
def test_unreadable_images_are_named_and_the_others_translated(mine: Path, feels_batch_size: None,
                                                               workers: str) -> None:
    translate('--out', 'undisturbed')
    whole = files_of(mine / 'undisturbed')
    broken = [mine / 'source/images' / IMAGES[number] for number in UNSEEN]
    contents = [path.read_bytes() for path in broken]
    broken[0].write_bytes(contents[0][:-30])
    broken[1].write_bytes(b'no image')
    error = error_of('--out', 'out', '--workers', workers)
    assert '2 of 10 source images cannot be read' in error
    assert all(f'source/images/{IMAGES[number]}' in error for number in UNSEEN) and error.count('source/images/') == 2
    kept = times_of(mine / 'out')
    assert sorted(kept) == [name for number, name in enumerate(IMAGES) if number not in UNSEEN]
    assert json.loads((mine / 'out/index.json').read_text())['complete'] is False
    assert not (mine / 'out_report').exists()
    for path, content in zip(broken, contents):
        path.write_bytes(content)
    translate('--out', 'out')
    assert {name: time for name, time in times_of(mine / 'out').items() if name in kept} == kept
    assert files_of(mine / 'out') == whole


def test_damaged_translations_are_deleted_and_made_again(whole: Dict[str, bytes], tmp_path: Path) -> None:
    out = tmp_path / 'out'
    shutil.copytree('whole', out)
    content = bytearray(whole[IMAGES[2]])
    content[len(content) // 2:len(content) // 2 + 8] = bytes(8)  # its end is in place: this shows when it is decoded
    (out / IMAGES[2]).write_bytes(content)
    kept = times_of(out)
    error = error_of('--out', str(out))
    assert '1 of 10 translations were damaged' in error and f'{out}/{IMAGES[2]}' in error and 'again' in error
    assert not (out / IMAGES[2]).exists() and not (tmp_path / 'out_report').exists()
    translate('--out', str(out))
    assert files_of(out) == whole
    assert {**times_of(out), IMAGES[2]: 0} == {**kept, IMAGES[2]: 0}


def test_translation_of_another_size_is_damaged(data: Path, tmp_path: Path) -> None:
    out = tmp_path / 'out'
    translate('--out', str(out), '--size', '16x12')
    write_image(out / IMAGES[0], np.zeros((16, 12, 3), np.uint8))
    assert '12x16; it must be 16x12' in error_of('--out', str(out), '--size', '16x12')


def test_source_that_changed_is_refused_unless_updated(whole: Dict[str, bytes], mine: Path) -> None:
    translate('--out', 'out')
    (mine / 'source/images' / IMAGES[9]).rename(mine / 'source/images/zwolle.png')
    error = error_of('--out', 'out')
    assert 'the list of images changed' in error and '--update' in error
    assert files_of(mine / 'out') == whole
    translate('--out', 'out', '--update')
    found = files_of(mine / 'out')
    assert found.pop('zwolle.png') == whole[IMAGES[9]]
    assert found == {**{name: whole[name] for name in IMAGES[:9]}, 'index.json': found['index.json']}
    translate('--out', 'out')


def test_image_that_changed_is_translated_anew(whole: Dict[str, bytes], mine: Path) -> None:
    translate('--out', 'out')
    kept = times_of(mine / 'out')
    write_image(mine / 'source/images' / IMAGES[4], np.full((20, 30, 3), 90, np.uint8))
    translate('--out', 'out')
    assert cv2.imread(f'out/{IMAGES[4]}').shape == (20, 30, 3)
    changed = {name for name, time in times_of(mine / 'out').items() if time != kept[name]}
    assert changed == {IMAGES[4]}


def test_list_of_images_may_come_later(whole: Dict[str, bytes], mine: Path) -> None:
    translate('--out', 'out')
    (mine / 'list.txt').write_text('\n'.join(name[:-4] for name in IMAGES[:9]))
    options = ['--cfg-options', f'translate_dataloader.dataset.ann_file={mine}/list.txt', 'model.buffer_size=9']
    assert 'the list of images changed' in error_of('--out', 'out', *options)
    translate('--out', 'out', '--update', *options)
    assert sorted(files_of(mine / 'out')) == sorted([*IMAGES[:9], 'index.json'])


@pytest.mark.parametrize('workers', ['0', '1'])
def test_image_that_the_disk_cannot_read_is_named(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                  workers: str) -> None:
    get = image_files.fileio.get

    def fail(path: str, **options: object) -> bytes:
        if IMAGES[UNSEEN[0]] in path:
            raise OSError(errno.EIO, 'Input/output error', path)
        return get(path, **options)

    monkeypatch.setattr(image_files.fileio, 'get', fail)
    error = error_of('--out', f'{tmp_path}/out', '--workers', workers)
    assert '1 of 10 source images cannot be read' in error and IMAGES[UNSEEN[0]] in error
    assert len(times_of(tmp_path / 'out')) == 9


def test_other_checkpoint_is_refused_unless_overwritten(whole: Dict[str, bytes], mine: Path) -> None:
    save_checkpoint('other.pth', 2)
    translate('--out', 'other', checkpoint='other.pth')
    translate('--out', 'out')
    error = error_of('--out', 'out', checkpoint='other.pth')
    assert 'another checkpoint' in error and '--overwrite' in error and files_of(mine / 'out') == whole
    translate('--out', 'out', '--overwrite', checkpoint='other.pth')
    assert files_of(mine / 'out') == files_of(mine / 'other')
    assert not any(whole[name] == (mine / 'out' / name).read_bytes() for name in IMAGES)
