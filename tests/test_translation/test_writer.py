"""Translated images on disk: whole or not there, and kept by the next run."""
import errno
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable, Tuple

import cv2
import numpy as np
import pytest
from mmengine.fileio import LocalBackend

from small_data import write_image
from writing import NAMES, ROOT, TRANSLATOR, Make, complete, contents, index_of, picture, write_all


def test_files_mirror_the_source_and_the_index_says_what_made_them(make: Make) -> None:
    writer = make()
    writer.begin()
    assert writer.pending() == [0, 1, 2]
    expected = dict(complete=False, translator=TRANSLATOR, encoding=dict(format='png', size=None), image_root=ROOT,
                    num_images=3)
    begun = index_of(writer)
    assert len(begun.pop('files_sha256')) == 64 and begun == expected
    writer.write(1, picture(1), (60, 40))
    assert writer.pending() == [0, 2]
    write_all(writer)
    writer.finish()
    assert sorted(contents(writer.out)) == sorted([*NAMES, 'index.json'])
    assert all(np.array_equal(cv2.imread(str(writer.out / name)), picture(number))
               for number, name in enumerate(NAMES))
    finished = index_of(writer)
    assert len(finished.pop('files_sha256')) == 64 and finished == {**expected, 'complete': True}


def test_unfinished_set_is_not_called_complete(make: Make) -> None:
    writer = make()
    writer.begin()
    writer.write(1, picture(1), (60, 40))
    with pytest.raises(RuntimeError, match=r'2 of 3 translations are missing in .*out: ulm/0\.png, 2\.png\. Give'):
        writer.finish()
    assert index_of(writer)['complete'] is False


@pytest.mark.parametrize('image_format', ['png', 'jpg'])
@pytest.mark.parametrize('damage', [lambda content: b'', lambda content: content[:-20], lambda content: content[:100]])
def test_half_files_are_made_again_and_whole_ones_are_kept(make: Make, image_format: str, damage: Callable) -> None:
    writer = complete(make(image_format=image_format))
    half = writer.out / writer.names[1]
    whole = half.read_bytes()
    half.write_bytes(damage(whole))
    (writer.out / writer.names[2]).unlink()
    kept = contents(writer.out)[writer.names[0]]

    again = make(image_format=image_format)
    again.begin()
    assert again.pending() == [1, 2] and index_of(again)['complete'] is False
    write_all(again)
    again.finish()
    assert half.read_bytes() == whole and contents(writer.out)[writer.names[0]] == kept
    assert index_of(again)['complete'] is True


def test_complete_set_stays_complete_when_the_command_is_given_again(make: Make) -> None:
    before = contents(complete(make()).out)
    writer = make(config='moved.py', checkpoint='moved.pth')  # the same content
    writer.begin()
    assert writer.pending() == [] and index_of(writer)['complete'] is True
    writer.finish()
    after = contents(writer.out)
    assert {name: after[name] for name in NAMES} == {name: before[name] for name in NAMES}


def test_quality_is_nothing_to_png(make: Make) -> None:
    complete(make(quality=90))
    writer = make(quality=80)
    writer.begin()
    assert writer.pending() == []


def test_link_to_a_folder_stays_a_link(make: Make, tmp_path: Path) -> None:
    (tmp_path / 'large_disk').mkdir()
    (tmp_path / 'out').symlink_to(tmp_path / 'large_disk')
    complete(make())
    assert (tmp_path / 'out').is_symlink() and (tmp_path / 'large_disk/ulm/0.png').is_file()


def test_leftovers_go_at_the_end_and_foreign_files_stay(make: Make) -> None:
    writer = make()
    writer.begin()
    for name in ('old/7.png', '8.jpg'):
        write_image(writer.out / name, picture(0))
    for name in ('old/7.png.part', 'README', 'old/notes.txt'):
        (writer.out / name).write_bytes(b'half')
    write_all(writer)
    assert {'old/7.png', '8.jpg'} <= set(contents(writer.out))
    writer.finish()
    assert sorted(contents(writer.out)) == sorted([*NAMES, 'README', 'index.json', 'old/notes.txt'])


def test_quality_of_jpg(make: Make) -> None:
    size, error = {}, {}
    for quality in (95, 30):
        writer = make(image_format='jpg', quality=quality)
        assert writer.names == ['ulm/0.jpg', 'ulm/1.jpg', '2.jpg']
        complete(writer, overwrite=True)
        assert index_of(writer)['encoding'] == dict(format='jpg', size=None, quality=quality)
        path = writer.out / '2.jpg'
        assert path.read_bytes().startswith(b'\xff\xd8')
        size[quality] = path.stat().st_size
        error[quality] = np.abs(cv2.imread(str(path)).astype(int) - picture(2)).mean()
    assert size[30] < 0.7 * size[95] and error[95] < 3 and error[95] < error[30]


@pytest.mark.parametrize('wanted, interpolation', [((30, 20), cv2.INTER_AREA), ((90, 50), cv2.INTER_CUBIC)])
def test_files_have_the_size_of_the_source_or_the_one_asked_for(make: Make, wanted: Tuple[int, int],
                                                                interpolation: int) -> None:
    expected = cv2.resize(picture(0), wanted, interpolation=interpolation)
    for size in (None, wanted):
        writer = make(size=size)
        writer.begin(overwrite=True)
        writer.write(0, picture(0), wanted if size is None else (7, 9))
        assert np.array_equal(cv2.imread(str(writer.out / NAMES[0])), expected)


def test_image_that_changed_is_pending(make: Make, tmp_path: Path) -> None:
    images = [str(write_image(tmp_path / 'in' / name, picture(0))) for name in NAMES]
    writer = complete(make(images, str(tmp_path / 'in')))
    assert writer.pending() == []
    later = (writer.out / NAMES[1]).stat().st_mtime_ns + 10**9
    os.utime(images[1], ns=(later, later))
    assert writer.pending() == [1]
    writer.begin()
    assert index_of(writer)['complete'] is False


def test_full_disk_leaves_what_was_written(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = make()
    writer.begin()
    writer.write(0, picture(0), (60, 40))
    before = contents(writer.out)
    put = LocalBackend.put

    def full_disk(self: LocalBackend, content: bytes, path: str) -> None:
        put(self, content[:100], path)
        raise OSError(errno.ENOSPC, 'No space left on device')

    with monkeypatch.context() as patch:
        patch.setattr(LocalBackend, 'put', full_disk)
        for index in (0, 1):  # one that is there, a new one
            with pytest.raises(OSError, match='No space left'):
                writer.write(index, picture(5), (60, 40))
        with pytest.raises(OSError, match='No space left'):
            make().begin()
    assert contents(writer.out) == before and writer.pending() == [1, 2]
    complete(make())
    assert contents(writer.out)[NAMES[0]] == before[NAMES[0]]


def test_several_threads_may_write(make: Make) -> None:
    writer = make([f'{ROOT}/{number // 4}/{number}.png' for number in range(24)])
    writer.begin()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda index: writer.write(index, picture(index), (60, 40)), range(24)))
    writer.finish()
    assert all(np.array_equal(cv2.imread(str(writer.out / name)), picture(index))
               for index, name in enumerate(writer.names))
