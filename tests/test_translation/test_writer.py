"""Translated images on disk: whole or not there, kept by the next run, and nobody else's files touched."""
import errno
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable, Dict, List, Sequence, Tuple

import cv2
import numpy as np
import pytest
from mmengine.fileio import LocalBackend

from small_data import write_image
from udas_mmseg.translation.writer import TranslationWriter

ROOT = 'data/images'
IMAGES = [f'{ROOT}/ulm/0.jpg', f'{ROOT}/ulm/1.jpg', f'{ROOT}/2.png']
NAMES = ['ulm/0.png', 'ulm/1.png', '2.png']
TRANSLATOR = dict(config='a.py', checkpoint='a.pth', sha256='0a', config_digest='0b')
Make = Callable[..., TranslationWriter]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Make a writer to `<tmp>/out`; arguments that are no writer's replace entries of the translator."""

    def call(images: Sequence[str] = IMAGES, image_root: str = ROOT, **changes: Any) -> TranslationWriter:
        translator = {name: changes.pop(name, value) for name, value in TRANSLATOR.items()}
        return TranslationWriter(str(tmp_path / 'out'), images, image_root, translator, **changes)

    return call


def picture(seed: int, height: int = 40, width: int = 60) -> np.ndarray:
    """Blurred noise, which JPEG can compress."""
    noise = np.random.default_rng(seed).integers(0, 256, (5, 8, 3), dtype=np.uint8)
    return cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)


def write_all(writer: TranslationWriter) -> None:
    for index in writer.pending():
        writer.write(index, picture(index), (60, 40))


def complete(writer: TranslationWriter, **options: bool) -> TranslationWriter:
    writer.begin(**options)
    write_all(writer)
    writer.finish()
    return writer


def index_of(writer: TranslationWriter) -> Dict[str, Any]:
    return json.loads((writer.out / 'index.json').read_text())


def contents(folder: Path) -> Dict[str, Tuple[bytes, int]]:
    """Content and time of every file."""
    return {str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
            for path in folder.rglob('*') if path.is_file()}  # yapf: disable


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


JPG = dict(image_format='jpg')


@pytest.mark.parametrize('first, second, message', [
    ({}, dict(sha256='other'), 'another checkpoint. '),
    ({}, dict(config_digest='other'), 'another model or pipeline. '),
    ({}, dict(sha256='other', config_digest='other'), 'another checkpoint and another model or pipeline. '),
    ({}, dict(size=(30, 20)), 'another size or format. '),
    (dict(size=(30, 20)), dict(size=(20, 30)), 'another size or format. '),
    ({}, JPG, 'another size or format. '),
    (JPG, dict(JPG, quality=50), 'another size or format. '),
    ({}, dict(image_root='data'), 'another image folder. '),
])  # yapf: disable
def test_translations_by_something_else_are_refused_unless_overwritten(make: Make, first: dict, second: dict,
                                                                       message: str) -> None:
    out = complete(make(**first)).out
    (out / 'README').write_text('keep me')
    before = contents(out)
    for update in (False, True):
        with pytest.raises(FileExistsError, match=f'made with {message}Give --overwrite'):
            make(**second).begin(update=update)
    assert contents(out) == before

    writer = make(**second)
    writer.begin(overwrite=True)
    assert writer.pending() == [0, 1, 2] and sorted(contents(out)) == ['README', 'index.json']
    write_all(writer)
    writer.finish()
    assert sorted(contents(out)) == sorted([*writer.names, 'README', 'index.json'])
    make(**second).begin()
    with pytest.raises(FileExistsError):
        make(**first).begin()


def test_quality_is_nothing_to_png(make: Make) -> None:
    complete(make(quality=90))
    writer = make(quality=80)
    writer.begin()
    assert writer.pending() == []


@pytest.mark.parametrize('images', [
    IMAGES[:2], [*IMAGES, f'{ROOT}/3.png'], [IMAGES[0], IMAGES[2], f'{ROOT}/ulm/3.jpg'], IMAGES[::-1],
    [*IMAGES[:2], f'{ROOT}/2.jpg']])  # yapf: disable
def test_changed_source_is_refused_unless_updated(make: Make, images: List[str]) -> None:
    out = complete(make()).out
    before = contents(out)
    with pytest.raises(ValueError, match=rf'the source changed since .*\b3\b.*\b{len(images)}\b.*--update'):
        make(images).begin()
    assert contents(out) == before

    writer = make(images)
    writer.begin(update=True)
    new = [index for index, name in enumerate(writer.names) if name not in NAMES]
    assert writer.pending() == new
    assert set(NAMES) <= set(contents(out))  # nothing goes before the set is complete
    assert index_of(writer)['complete'] is (not new)
    write_all(writer)
    writer.finish()
    after = contents(out)
    assert sorted(after) == sorted([*writer.names, 'index.json'])
    assert all(after[name] == before[name] for name in after if name in NAMES)
    make(images).begin()  # the new list is the one that counts now
    with pytest.raises(ValueError, match='source changed'):
        make().begin()


@pytest.mark.parametrize('name, content', [
    ('picture.png', b''), ('town/notes.txt', b'mine'), ('index.json', b'{"teacher": {}}'), ('index.json', b'{"trans'),
    ('index.json', b'{"translator": "me"}'), ('index.json', b'[]')])  # yapf: disable
def test_foreign_folder_is_left_alone(make: Make, tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / 'out' / name).parent.mkdir(parents=True)
    (tmp_path / 'out' / name).write_bytes(content)
    before = contents(tmp_path / 'out')
    for options in ({}, dict(overwrite=True), dict(update=True)):
        with pytest.raises(FileExistsError, match=r'out holds files but no index\.json of ours, and is left alone'):
            make().begin(**options)
    assert contents(tmp_path / 'out') == before


def test_file_in_the_place_of_the_folder_is_left_alone(make: Make, tmp_path: Path) -> None:
    (tmp_path / 'out').write_text('mine')
    with pytest.raises(FileExistsError, match='is a file'):
        make().begin(overwrite=True)
    assert (tmp_path / 'out').read_text() == 'mine'


def test_run_that_was_killed_as_it_began_is_no_obstacle(make: Make, tmp_path: Path) -> None:
    (tmp_path / 'out').mkdir()
    (tmp_path / 'out/index.json.part').write_text('{"comp')
    assert sorted(contents(complete(make()).out)) == sorted([*NAMES, 'index.json'])


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


def test_two_images_with_one_file_are_refused_and_named(make: Make, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r'ulm/0\.jpg and .*ulm/0\.png would both have the file ulm/0\.png'):
        make([*IMAGES, f'{ROOT}/ulm/0.png'])
    assert not (tmp_path / 'out').exists()


@pytest.mark.parametrize('changes, message', [
    (dict(images=[]), 'no images to translate'),
    (dict(images=['elsewhere/0.png']), r"elsewhere/0\.png is not below 'data/images'"),
    (dict(image_format='webp'), r"format 'webp': allowed are \('png', 'jpg'\)"),
    (dict(quality=0), 'quality=0: it must be 1 to 100'),
    (dict(quality=101), 'quality=101'),
])  # yapf: disable
def test_wrong_arguments_are_refused(make: Make, changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(**changes)


def test_folder_within_the_image_folder_is_refused(tmp_path: Path) -> None:
    root = f'{tmp_path}/images'
    for out in (root, f'{root}/translated', f'{root}/a/../b'):
        with pytest.raises(ValueError, match='is in the image folder .*images'):
            TranslationWriter(out, [f'{root}/0.png'], root, TRANSLATOR)


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
