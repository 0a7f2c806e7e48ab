"""Completeness, orientation and depth of image files."""
import io
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from udas_mmseg.datasets.image_headers import exif_orientation, find_damage, is_deep

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 64, 3), dtype=np.uint8)
CAMERA_DATA = bytes(range(256)) * 40


def encode(kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, kind, **options)
    return file.getvalue()


def exif(orientation: int) -> Image.Exif:
    entries = Image.Exif()
    entries[0x010e] = 'a description before the orientation'
    entries[0x0112] = orientation
    return entries


FILES = {'PNG': encode('PNG'), 'JPEG': encode('JPEG'), 'progressive JPEG': encode('JPEG', progressive=True),
         'JPEG with restarts': cv2.imencode('.jpg', PIXELS, [cv2.IMWRITE_JPEG_RST_INTERVAL, 2])[1].tobytes(),
         'JPEG with EXIF': encode('JPEG', exif=exif(6)),
         'PNG with EXIF': encode('PNG', exif=exif(6))}  # yapf: disable


@pytest.mark.parametrize('kind', FILES)
@pytest.mark.parametrize('rest', [b'', b'\0' * 8, CAMERA_DATA, b'\xff' * 3000])
def test_bytes_after_the_end_are_accepted(kind: str, rest: bytes) -> None:
    assert find_damage(FILES[kind] + rest) is None


@pytest.mark.parametrize('kind', FILES)
@pytest.mark.parametrize('keep', [0.3, 0.5, 0.97])
def test_truncated_files_are_found(kind: str, keep: float) -> None:
    damage = find_damage(FILES[kind][:int(len(FILES[kind]) * keep)])
    assert damage is not None and 'is truncated' in damage


def test_end_marker_of_a_preview_is_not_that_of_the_image() -> None:
    preview = b'Exif\0\0' + encode('JPEG')
    content = FILES['JPEG']
    with_preview = content[:2] + b'\xff\xe1' + (len(preview) + 2).to_bytes(2, 'big') + preview + content[2:]
    assert find_damage(with_preview + CAMERA_DATA) is None
    assert 'is truncated' in find_damage(with_preview[:len(preview) + 30])


def test_empty_file() -> None:
    assert find_damage(b'') == 'is empty'


@pytest.mark.parametrize('kind', ['JPEG', 'PNG', 'TIFF', 'WEBP'])
@pytest.mark.parametrize('orientation', range(1, 9))
def test_orientation_is_found(kind: str, orientation: int) -> None:
    assert exif_orientation(encode(kind, exif=exif(orientation))) == orientation


@pytest.mark.parametrize('content', [
    FILES['PNG'], FILES['JPEG'], encode('BMP'), encode('JPEG', exif=exif(9)), encode('JPEG', exif=exif(0)), b'',
    FILES['JPEG with EXIF'][:40], b'II*\0', b'\xff\xd8\xff\xe1\0\x08Exif\0\0'
])
def test_no_orientation(content: bytes) -> None:
    assert exif_orientation(content) == 1


@pytest.mark.parametrize('kind', ['.png', '.tiff', '.pgm'])
@pytest.mark.parametrize('dtype', [np.uint8, np.uint16])
def test_depth(kind: str, dtype: type) -> None:
    assert is_deep(cv2.imencode(kind, PIXELS[:, :, 0].astype(dtype))[1].tobytes()) == (dtype == np.uint16)


@pytest.mark.parametrize('dtype', [np.uint8, np.int8, np.uint16, np.float32])
@pytest.mark.parametrize('channels', [1, 3, 4])
def test_depth_of_tiff_is_read_without_decoding_it(monkeypatch: pytest.MonkeyPatch, dtype: type, channels: int) -> None:
    content = cv2.imencode('.tiff', np.zeros((4, 6, channels), dtype))[1].tobytes()
    monkeypatch.delattr(cv2, 'imdecode')
    assert is_deep(content) == (dtype != np.uint8)


@pytest.mark.parametrize('orientation', [1, 6])
def test_big_tiff(orientation: int) -> None:
    content = encode('TIFF', big_tiff=True, tiffinfo={274: orientation})
    assert content.startswith(b'II+\0') and exif_orientation(content) == orientation and not is_deep(content)
