"""Sets of files, one or several for each image, that a killed run can go on with."""
import errno
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import pytest

from udas_mmseg.utils import file_set
from udas_mmseg.utils.file_set import FileSetWriter

ROOT = 'data/images'
IMAGES = [f'{ROOT}/ulm/0.jpg', f'{ROOT}/ulm/1.jpg', f'{ROOT}/2.png']
FILES = ['2.png', '2_mask.png', 'ulm/0.png', 'ulm/0_mask.png', 'ulm/1.png', 'ulm/1_mask.png']
MODEL = dict(config='a.py', checkpoint='a.pth', sha256='0a' * 32, config_digest='0b')
Make = Callable[..., FileSetWriter]


def build(out: Path, images: List[str] = IMAGES, image_root: str = ROOT, size: int = 1, appears_whole: bool = True,
          overwrite: bool = False, **model: str) -> FileSetWriter:
    """A writer of two files for each image; other arguments replace entries of the model."""
    return FileSetWriter(str(out), images, image_root, 'model', {**MODEL, **model}, dict(size=size, note='a note'),
                         dict(size='size'), ('.png', '_mask.png'), appears_whole, overwrite)


@pytest.fixture(params=[True, False], ids=['appears whole', 'in place'])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    return lambda *args, **changes: build(tmp_path / 'set', *args, appears_whole=request.param, **changes)


@pytest.fixture
def make_whole(tmp_path: Path) -> Make:
    return lambda *args, **changes: build(tmp_path / 'set', *args, **changes)


@pytest.fixture
def make_in_place(tmp_path: Path) -> Make:
    return lambda *args, **changes: build(tmp_path / 'set', *args, appears_whole=False, **changes)


def write(writer: FileSetWriter, indices: List[int]) -> None:
    for index in indices:
        writer.put(index, f'first {index}'.encode(), f'second {index}'.encode())


def complete(writer: FileSetWriter, **options: bool) -> Dict[str, Any]:
    write(writer, writer.begin(**options))
    return writer.finish()


def contents(folder: Path) -> Dict[str, Tuple[bytes, int]]:
    """Content and time of every file."""
    return {str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
            for path in folder.rglob('*') if path.is_file()}  # yapf: disable


def test_set_appears_when_it_is_whole(make_whole: Make, tmp_path: Path) -> None:
    writer = make_whole()
    assert writer.complete() is None and writer.begin() == [0, 1, 2]
    write(writer, [0, 1, 2])
    assert not (tmp_path / 'set').exists() and writer.complete() is None
    index = writer.finish()
    assert sorted(contents(tmp_path)) == [f'set/{name}' for name in sorted([*FILES, 'index.json'])]
    assert (tmp_path / 'set/ulm/1.png').read_bytes() == b'first 1'
    assert (tmp_path / 'set/ulm/1_mask.png').read_bytes() == b'second 1'
    assert index == json.loads((tmp_path / 'set/index.json').read_text())
    assert index == dict(model=MODEL, size=1, note='a note', image_root=ROOT, num_images=3, skipped={})


def test_set_in_place_says_whether_it_is_complete(make_in_place: Make, tmp_path: Path) -> None:
    writer = make_in_place()
    assert writer.begin() == [0, 1, 2]
    begun = json.loads((tmp_path / 'set/index.json').read_text())
    assert begun['complete'] is False and begun['num_images'] == 3 and len(begun['files_sha256']) == 64
    write(writer, [0, 1])
    assert writer.pending() == [2] and make_in_place().complete() is None
    write(writer, [2])
    assert writer.finish() == {**begun, 'complete': True}
    before = contents(tmp_path)
    assert make_in_place(config='moved.py', checkpoint='moved.pth').begin() == []  # the same content
    assert json.loads((tmp_path / 'set/index.json').read_text())['complete'] is True
    assert {name: contents(tmp_path)[f'set/{name}'] for name in FILES} == {name: before[f'set/{name}']
                                                                          for name in FILES}
    (tmp_path / 'set/2.png').unlink()
    assert make_in_place().begin() == [2]
    assert json.loads((tmp_path / 'set/index.json').read_text())['complete'] is False


def test_complete_set_of_the_same_is_found(make: Make, tmp_path: Path) -> None:
    index = complete(make())
    assert make().complete() == index == make(config='other.py', checkpoint='moved.pth').complete()
    for change in (dict(sha256='ef'), dict(size=2), dict(images=IMAGES[:2]), dict(images=[*IMAGES, f'{ROOT}/3.png'])):
        assert make(**change).complete() is None, change
    (tmp_path / 'set/ulm/0_mask.png').unlink()
    assert make().complete() is None


def test_interrupted_set_is_completed(make: Make, tmp_path: Path) -> None:
    killed = make()
    killed.begin()
    write(killed, [0, 1])
    kept = contents(killed.folder)
    (killed.folder / 'ulm/1_mask.png').unlink()
    for name in ('2_mask.png', '2_mask.png.part', 'gone/7.png', '8.jpg', 'README'):
        (killed.folder / name).parent.mkdir(exist_ok=True)
        (killed.folder / name).write_bytes(b'left')
    writer = make(checkpoint='moved/a.pth')
    assert writer.begin() == [1, 2]
    write(writer, [1, 2])
    assert (writer.folder / 'gone/7.png').exists()  # no file is deleted before the set is complete
    writer.finish()
    after = contents(tmp_path / 'set')
    assert sorted(after) == sorted([*FILES, 'README', 'index.json'])
    assert after['ulm/0.png'] == kept['ulm/0.png'] and after['ulm/0_mask.png'] == kept['ulm/0_mask.png']
    assert not (tmp_path / 'set.part').exists()


@pytest.mark.parametrize('change, message', [
    (dict(sha256='ef'), 'another checkpoint'),
    (dict(config_digest='ef'), 'another model or pipeline'),
    (dict(sha256='ef', size=2), 'another checkpoint and another size'),
    (dict(image_root='data'), 'another image folder'),
])  # yapf: disable
def test_files_of_something_else_are_refused_or_replaced(make: Make, change: dict, message: str,
                                                         capsys: pytest.CaptureFixture) -> None:
    killed = make()
    killed.begin()
    write(killed, [0])
    before = contents(killed.folder)
    with pytest.raises(FileExistsError, match=rf'made with {message} \(model a.pth, sha256 0a0a0a0a0a0a\).*Use --'):
        make(**change).begin()
    assert contents(killed.folder) == before
    (killed.folder / 'README').write_text('keep me')
    writer = make(**change, overwrite=True)
    assert writer.begin() == [0, 1, 2] and sorted(contents(killed.folder)) == ['README', 'index.json']
    assert 'started again' in capsys.readouterr().out
    write(writer, [0, 1, 2])
    writer.finish()
    assert make(**change).complete() is not None


def test_complete_set_is_replaced_only_if_told(make_whole: Make, tmp_path: Path) -> None:
    complete(make_whole(images=IMAGES[:1]))
    with pytest.raises(FileExistsError, match='complete set: 1 images, model a.pth.*another list of images. Use --'):
        make_whole().begin()
    again = make_whole(overwrite=True)
    write(again, again.begin())
    assert len(contents(tmp_path / 'set')) == 3
    again.finish()
    assert len(contents(tmp_path / 'set')) == 7
    assert [path.name for path in tmp_path.iterdir()] == ['set']


@pytest.mark.parametrize('images, new', [
    (IMAGES[:2], []), ([*IMAGES, f'{ROOT}/3.png'], [3]), ([IMAGES[0], IMAGES[2], f'{ROOT}/ulm/3.jpg'], [2]),
    (IMAGES[::-1], []), ([*IMAGES[:2], f'{ROOT}/2.jpg'], [])])  # yapf: disable
def test_changed_list_of_images_is_refused_unless_updated(make_in_place: Make, tmp_path: Path, images: List[str],
                                                          new: List[int]) -> None:
    complete(make_in_place())
    before = contents(tmp_path)
    with pytest.raises(ValueError, match=rf'the list of images changed since .*\b3\b.*\b{len(images)}\b.*--update'):
        make_in_place(images).begin()
    assert contents(tmp_path) == before
    writer = make_in_place(images)
    assert writer.begin(update=True) == new and set(FILES) <= set(contents(tmp_path / 'set'))
    assert json.loads((tmp_path / 'set/index.json').read_text())['complete'] is (not new)
    write(writer, new)
    writer.finish()
    assert sorted(contents(tmp_path / 'set')) == sorted([*(file for files in writer.files for file in files),
                                                        'index.json'])
    assert make_in_place(images).begin() == []
    with pytest.raises(ValueError, match='the list of images changed'):
        make_in_place().begin()


@pytest.mark.parametrize('name, content', [
    ('picture.png', b''), ('town/notes.txt', b'mine'), ('index.json', b'{"teacher": {}}'), ('index.json', b'{"mod'),
    ('index.json', b'{"model": "me"}'), ('index.json', b'[]')])  # yapf: disable
@pytest.mark.parametrize('overwrite', [False, True])
def test_other_files_are_left_alone(make: Make, tmp_path: Path, name: str, content: bytes, overwrite: bool) -> None:
    writer = make(overwrite=overwrite)
    for folder in {writer.out, writer.folder}:
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(content)
        before = contents(tmp_path)
        for update in (False, True):
            with pytest.raises(FileExistsError, match=r'has files but no index\.json of such a set'):
                make(overwrite=overwrite).begin(update)
        assert contents(tmp_path) == before
        (folder / name).unlink()
        (folder / name).parent.rmdir()


def test_a_file_in_the_way_is_refused_and_an_empty_folder_is_not(make: Make, tmp_path: Path) -> None:
    (tmp_path / 'set').write_text('mine')
    with pytest.raises(FileExistsError, match='is a file'):
        make(overwrite=True).begin()
    assert (tmp_path / 'set').read_text() == 'mine'
    (tmp_path / 'set').unlink()
    (tmp_path / 'set').mkdir()
    complete(make())
    assert len(contents(tmp_path / 'set')) == 7


def test_run_that_was_killed_as_it_began_is_no_obstacle(make: Make, tmp_path: Path) -> None:
    folder = make().folder
    folder.mkdir()
    (folder / 'index.json.part').write_text('{"comp')
    complete(make())
    assert sorted(contents(tmp_path / 'set')) == sorted([*FILES, 'index.json'])


def test_link_to_a_folder_stays_a_link(make: Make, tmp_path: Path) -> None:
    (tmp_path / 'disk').mkdir()
    (tmp_path / 'disk/large').mkdir()
    (tmp_path / 'set').symlink_to(tmp_path / 'disk/large')
    complete(make())
    assert (tmp_path / 'set').is_symlink() and len(contents(tmp_path / 'disk/large')) == 7


def test_skipped_images_have_no_files(make: Make, tmp_path: Path) -> None:
    writer = make()
    writer.begin()
    write(writer, [0, 2])
    (writer.folder / 'ulm/1.png').write_bytes(b'of an earlier run')
    index = writer.finish({'ulm/1.jpg': 'is truncated'})
    assert index['skipped'] == {'ulm/1.jpg': 'is truncated'} and index['num_images'] == 2
    assert not any('1' in name for name in contents(tmp_path / 'set'))
    assert make().complete() == index


def test_not_all_written_is_not_finished(make: Make) -> None:
    writer = make()
    writer.begin()
    write(writer, [0])
    with pytest.raises(RuntimeError, match=r'4 of 6 files are missing in .*: ulm/1\.png, ulm/1_mask\.png, 2\.png, '):
        writer.finish()
    assert make().complete() is None


def test_first_file_is_written_last(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    written: List[str] = []
    monkeypatch.setattr(file_set, 'replace_file', lambda path, content: written.append(path.name))
    make().put(0, b'first', b'second')
    assert written == ['0_mask.png', '0.png']


def test_full_disk_keeps_what_is_there(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = make()
    writer.begin()
    write(writer, [0])
    before = contents(tmp_path)

    def full_disk(*args: object) -> None:
        raise OSError(errno.ENOSPC, 'No space left on device')

    with monkeypatch.context() as patch:
        patch.setattr(file_set, 'replace_file', full_disk)
        for action in (lambda: write(writer, [1]), make().begin):
            with pytest.raises(OSError, match='No space left'):
                action()
    assert contents(tmp_path) == before and make().begin() == [1, 2]


def test_threads_may_write_at_once(make: Make, tmp_path: Path) -> None:
    writer = make([f'{ROOT}/{number // 4}/{number}.png' for number in range(24)])
    writer.begin()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda index: write(writer, [index]), range(24)))
    assert writer.finish()['num_images'] == 24 and len(contents(tmp_path / 'set')) == 49


@pytest.mark.parametrize('images, message', [
    ([], 'there are no images'),
    ([*IMAGES, f'{ROOT}/ulm/0.png'], r'ulm/0\.jpg and .*ulm/0\.png would both have the file ulm/0\.png'),
    ([f'{ROOT}/1.png', f'{ROOT}/1_mask.png'], r'both have the file 1_mask\.png'),
    (['elsewhere/0.png'], r"elsewhere/0\.png is not below 'data/images'"),
])  # yapf: disable
def test_images_that_do_not_make_a_set_are_refused(make: Make, tmp_path: Path, images: list, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(images=images)
    assert not list(tmp_path.iterdir())
