"""What a writer of translations refuses: nobody else's files are touched."""
from pathlib import Path
from typing import List

import pytest

from udas_mmseg.translation.writer import TranslationWriter
from writing import IMAGES, JPG, NAMES, ROOT, TRANSLATOR, Make, complete, contents, index_of, write_all


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
