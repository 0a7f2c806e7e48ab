"""Translated images on disk: how they are encoded, and which are made again.

`test_utils/test_file_set.py` tests what they have in common with other sets of files.
"""
import hashlib
import json
import os
from pathlib import Path
from typing import Callable, Tuple

import cv2
import numpy as np
import pytest

from small_data import write_image
from udas_mmseg.translation.writer import TranslationWriter
from writing import JPG, NAMES, ROOT, TRANSLATOR, Make, complete, contents, index_of, picture, write_all


def test_files_mirror_the_source_and_the_index_says_what_made_them(make: Make) -> None:
    writer = make()
    assert writer.begin() == [0, 1, 2]
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


@pytest.mark.parametrize('image_format', ['png', 'jpg'])
@pytest.mark.parametrize('damage', [lambda content: b'', lambda content: content[:-20], lambda content: content[:100]])
def test_half_files_are_made_again_and_whole_ones_are_kept(make: Make, image_format: str, damage: Callable) -> None:
    writer = complete(make(image_format=image_format))
    half = Path(writer.translations[1])
    whole = half.read_bytes()
    half.write_bytes(damage(whole))
    Path(writer.translations[2]).unlink()
    kept = contents(writer.out)[writer.files[0][0]]

    again = make(image_format=image_format)
    again.begin()
    assert again.pending() == [1, 2] and index_of(again)['complete'] is False
    write_all(again)
    again.finish()
    assert half.read_bytes() == whole and contents(writer.out)[writer.files[0][0]] == kept
    assert index_of(again)['complete'] is True


def test_quality_is_nothing_to_png(make: Make) -> None:
    complete(make(quality=90))
    writer = make(quality=80)
    writer.begin()
    assert writer.pending() == []


def test_quality_of_jpg(make: Make) -> None:
    size, error = {}, {}
    for quality in (95, 30):
        writer = make(image_format='jpg', quality=quality, overwrite=True)
        assert writer.files == [('ulm/0.jpg', ), ('ulm/1.jpg', ), ('2.jpg', )]
        complete(writer)
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
        writer = make(size=size, overwrite=True)
        writer.begin()
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


@pytest.mark.parametrize('first, second, message', [
    ({}, dict(sha256='other'), 'another checkpoint '),
    ({}, dict(size=(30, 20)), 'another size or format '),
    (dict(size=(30, 20)), dict(size=(20, 30)), 'another size or format '),
    ({}, JPG, 'another size or format '),
    (JPG, dict(JPG, quality=50), 'another size or format '),
])  # yapf: disable
def test_translations_by_something_else_are_refused_unless_overwritten(make: Make, first: dict, second: dict,
                                                                       message: str) -> None:
    out = complete(make(**first)).out
    before = contents(out)
    for update in (False, True):
        with pytest.raises(FileExistsError, match=rf'made with {message}\(translator a\.pth, .*Use --overwrite'):
            make(**second).begin(update)
    assert contents(out) == before
    writer = complete(make(**second, overwrite=True))
    assert sorted(contents(out)) == sorted([*(file for file, in writer.files), 'index.json'])
    make(**second).begin()
    with pytest.raises(FileExistsError):
        make(**first).begin()


@pytest.mark.parametrize('changes, message', [
    (dict(images=[]), 'there are no images'),
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


def test_sets_of_earlier_versions_are_gone_on_with(make: Make, tmp_path: Path) -> None:
    listing = hashlib.sha256(b'ulm/0.jpg\nulm/1.jpg\n2.png').hexdigest()
    index = dict(complete=False, translator=TRANSLATOR, encoding=dict(format='png', size=None), image_root=ROOT,
                 num_images=3, files_sha256=listing)
    write_image(tmp_path / 'out/ulm/1.png', picture(1))
    (tmp_path / 'out/index.json').write_text(json.dumps(index, indent=2) + '\n')
    assert make().begin() == [0, 2]
    assert index_of(complete(make())) == {**index, 'complete': True}
