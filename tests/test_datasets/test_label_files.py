"""Kinds of label files, and the ids that are read from them."""
import io
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from mmseg.registry import TRANSFORMS
from PIL import Image

from udas_mmseg.datasets import LoadLabelIds, SampleError
from udas_mmseg.datasets.label_colors import map_colors
from udas_mmseg.datasets.label_files import LabelFormatError, decode_colors, decode_label, read_label

IDS = np.random.default_rng(0).integers(0, 4, (24, 40)).astype(np.uint8)
COLORS = np.array([(0, 0, 255), (128, 64, 0), (255, 0, 0), (9, 200, 31)], np.uint8)  # red, green, blue
COLOR_MAP = {tuple(color): number for number, color in enumerate(COLORS.tolist())}


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def palette_image() -> Image.Image:
    image = Image.fromarray(IDS, mode='P')
    image.putpalette(COLORS.ravel().tolist())
    return image


def png_of(pixels: np.ndarray) -> bytes:
    return cv2.imencode('.png', pixels)[1].tobytes()


@pytest.mark.parametrize('kind', ['PNG', 'TIFF', 'BMP', 'GIF'])
def test_palette_of_any_container_gives_indices(kind: str) -> None:
    label = decode_label(encode(palette_image(), kind))
    assert label.dtype == np.uint8 and np.array_equal(label, IDS)


@pytest.mark.parametrize('bits', [1, 2, 4])
def test_palette_of_few_bits_gives_indices(bits: int) -> None:
    image = Image.fromarray(IDS % 2 ** bits, mode='P')
    image.putpalette(COLORS.ravel().tolist())
    assert np.array_equal(decode_label(encode(image, 'PNG', bits=bits)), IDS % 2 ** bits)


@pytest.mark.parametrize('kind', ['PNG', 'TIFF', 'BMP'])
def test_a_mask_of_one_bit_has_the_ids_0_and_1(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f'mask.{kind.lower()}'
    path.write_bytes(encode(Image.fromarray(IDS > 1), kind))
    assert np.array_equal(read_label(str(path)), (IDS > 1).astype(np.uint8))
    stock = TRANSFORMS.build(dict(type='mmseg.LoadAnnotations'))
    theirs = stock(dict(seg_map_path=str(path), seg_fields=[], reduce_zero_label=False))
    assert np.array_equal(LoadLabelIds()(dict(seg_map_path=str(path)))['gt_seg_map'], theirs['gt_seg_map'])


@pytest.mark.parametrize('bits', [2, 4])
def test_grey_of_few_bits_is_not_scaled(bits: int) -> None:
    ids = IDS % 2 ** bits
    assert np.array_equal(decode_label(grey_png(ids, bits)), ids)


def grey_png(ids: np.ndarray, bits: int) -> bytes:
    """Encode ids as a grey PNG of few bits, which neither OpenCV nor Pillow writes."""
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack('>I', len(data)) + name + data + struct.pack('>I', zlib.crc32(name + data))

    per_byte = 8 // bits
    shifts = np.arange(per_byte - 1, -1, -1) * bits
    rows = (ids.reshape(len(ids), -1, per_byte) << shifts).sum(2).astype(np.uint8)
    lines = b''.join(b'\0' + row.tobytes() for row in rows)
    head = struct.pack('>IIBBBBB', ids.shape[1], len(ids), bits, 0, 0, 0, 0)
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', head) + chunk(b'IDAT', zlib.compress(lines)) + chunk(b'IEND', b'')


@pytest.mark.parametrize('kind', ['TIFF', 'BMP', 'GIF', 'PPM', 'PNG'])
def test_grey_of_any_container(kind: str) -> None:
    assert np.array_equal(decode_label(encode(Image.fromarray(IDS), kind)), IDS)


@pytest.mark.parametrize('dtype', [np.uint16, np.int32, np.float32, np.float64])
def test_whole_numbers_of_other_types_are_ids(dtype: type) -> None:
    label = decode_label(cv2.imencode('.tiff', (IDS * np.uint16(300)).astype(dtype))[1].tobytes())
    assert label.dtype == np.uint16 and np.array_equal(label, IDS * np.uint16(300))


@pytest.mark.parametrize('value', [-1, 0.5, 70000, float('nan')])
def test_other_numbers_are_refused(value: float) -> None:
    with pytest.raises(LabelFormatError, match=f'has float32 pixels such as {value}.*integers from 0 to 65535'):
        decode_label(cv2.imencode('.tiff', np.full((4, 4), value, np.float32))[1].tobytes())


@pytest.mark.parametrize('kind, options, name', [('JPEG', {}, 'JPEG'), ('WEBP', {}, 'lossy WebP'),
                                                 ('TIFF', dict(compression='jpeg'), 'TIFF with lossy compression'),
                                                 ('TIFF', dict(compression='jpeg', big_tiff=True), 'TIFF with lossy')])
@pytest.mark.parametrize('label_map', [None, {0: 0}, COLOR_MAP])
def test_lossy_files_are_refused_by_name(tmp_path: Path, kind: str, options: dict, name: str, label_map: Any) -> None:
    path = tmp_path / 'label.png'  # a suffix does not hide it
    path.write_bytes(encode(palette_image().convert('RGB'), kind, **options))
    with pytest.raises(LabelFormatError, match=rf'label\.png is a label in a {name}.*: .*lossy.* as PNG'):
        LoadLabelIds(label_map)(dict(seg_map_path=str(path)))


@pytest.mark.parametrize('decode', [decode_label, decode_colors])
def test_jpeg_2000_is_refused(decode: Any) -> None:
    with pytest.raises(LabelFormatError, match='is a label in a JPEG 2000 file.* Convert it to PNG if it was not'):
        decode(encode(Image.fromarray(IDS), 'JPEG2000', quality_layers=[40]))


def test_lossy_files_are_never_skipped() -> None:
    assert not issubclass(LabelFormatError, SampleError)


def test_colours_without_a_map_are_listed(tmp_path: Path) -> None:
    path = tmp_path / 'label.png'
    pixels = np.full((10, 10, 3), (255, 0, 0), np.uint8)
    pixels[:4] = 0, 64, 128
    path.write_bytes(png_of(pixels))
    with pytest.raises(LabelFormatError, match=r'label\.png has colours in place of ids: \(0, 0, 255\) 60\.00%, '
                       r'\(128, 64, 0\) 40\.00% .*label_map=\{\(0, 0, 255\): 0.*label_channel'):
        LoadLabelIds({0: 0})(dict(seg_map_path=str(path)))


def as_bgr(red: Any, green: Any = 0, blue: Any = 0, dtype: type = np.uint8) -> np.ndarray:
    return np.dstack([np.broadcast_to(part, IDS.shape).astype(dtype) for part in (blue, green, red)])


NOISE = np.random.default_rng(1).integers(0, 256, IDS.shape)
ALPHA = np.full(IDS.shape, 255, np.uint8)


@pytest.mark.parametrize('pixels', [
    as_bgr(IDS), as_bgr(IDS, IDS, IDS), np.dstack([as_bgr(IDS), ALPHA]), np.dstack([as_bgr(IDS, IDS, IDS), ALPHA]),
    as_bgr(IDS, NOISE, NOISE * 3, np.uint16)], ids=['carla', 'grey', 'carla-alpha', 'grey-alpha', 'synthia'])
def test_colour_images_that_have_ids(pixels: np.ndarray) -> None:
    assert np.array_equal(decode_label(png_of(pixels)), IDS)


@pytest.mark.parametrize('pixels', [
    as_bgr(0, IDS), as_bgr(0, 0, IDS), as_bgr(IDS * 85), as_bgr(IDS, NOISE), as_bgr(IDS, IDS, 0)
], ids=['green', 'blue', 'pure red', 'instances', 'yellow'])
def test_other_colour_images_are_refused(pixels: np.ndarray) -> None:
    with pytest.raises(LabelFormatError, match='has colours in place of ids'):
        decode_label(png_of(pixels))


@pytest.mark.parametrize('channel, pixels', [('red', as_bgr(IDS, NOISE, NOISE)), ('green', as_bgr(NOISE, IDS)),
                                             ('blue', as_bgr(NOISE, NOISE, IDS)), ('red', IDS)])
def test_declared_channel(tmp_path: Path, channel: str, pixels: np.ndarray) -> None:
    path = tmp_path / 'label.png'
    path.write_bytes(png_of(pixels))
    assert np.array_equal(LoadLabelIds(label_channel=channel)(dict(seg_map_path=str(path)))['gt_seg_map'], IDS)
    by_data_set = LoadLabelIds()(dict(seg_map_path=str(path), label_channel=channel))
    assert np.array_equal(by_data_set['gt_seg_map'], IDS)


def test_unknown_channel() -> None:
    with pytest.raises(ValueError, match="label_channel='alpha': allowed are"):
        LoadLabelIds(label_channel='alpha')


@pytest.mark.parametrize('kind', ['PNG', 'TIFF', 'BMP', 'GIF'])
@pytest.mark.parametrize('mode', ['P', 'RGB', 'RGBA'])
def test_colours_with_a_map_give_the_ids(tmp_path: Path, kind: str, mode: str) -> None:
    path, image = tmp_path / 'label', palette_image()
    if mode != 'P' and kind == 'GIF':
        pytest.skip('GIF has palettes only')
    if mode == 'RGBA':
        image = image.convert('RGB')
        image.putalpha(Image.fromarray(NOISE.astype(np.uint8)))
    path.write_bytes(encode(image.convert(mode), kind))
    assert np.array_equal(LoadLabelIds(COLOR_MAP)(dict(seg_map_path=str(path)))['gt_seg_map'], IDS)


def test_grey_and_one_bit_files_have_colours_too() -> None:
    white = decode_colors(encode(Image.fromarray(IDS > 1), 'PNG'))
    assert np.array_equal(white, np.where(IDS > 1, 0xffffff, 0))
    assert np.array_equal(decode_colors(png_of(IDS)), IDS * np.uint32(0x010101))


@pytest.mark.parametrize('suffix', ['.png', '.tiff', '.ppm'])
def test_colours_of_16_bits_are_refused(suffix: str) -> None:
    content = cv2.imencode(suffix, as_bgr(IDS, dtype=np.uint16))[1].tobytes()
    with pytest.raises(LabelFormatError, match='has more than 8 bits a channel'):
        decode_colors(content)


def test_unknown_colour_names_file_colour_and_share(tmp_path: Path) -> None:
    path = tmp_path / 'label.png'
    pixels = np.full((10, 10, 3), (255, 0, 0), np.uint8)
    pixels[0, 0] = 3, 2, 1
    path.write_bytes(png_of(pixels))
    with pytest.raises(ValueError, match=r'label_map of .*label\.png: 1 colours are not mapped, 1\.00% of the pixels: '
                       r'\(1, 2, 3\) 1\.00%\. Known colours: \(0, 0, 255\)\. Add'):
        LoadLabelIds({(0, 0, 255): 0})(dict(seg_map_path=str(path)))


def test_many_unknown_colours_come_from_smoothing() -> None:
    colors = np.arange(100, dtype=np.uint32).reshape(10, 10)
    with pytest.raises(ValueError, match=r'99 colours are not mapped.* and 93 more\. So many .* from smoothing'):
        map_colors(colors, {(0, 0, 0): 0})


def test_data_set_of_a_subset_follows_the_colours(tmp_path: Path) -> None:
    path = tmp_path / 'label.png'
    path.write_bytes(encode(palette_image(), 'PNG'))
    result = LoadLabelIds(COLOR_MAP)(dict(seg_map_path=str(path), label_map={0: 1, 1: 255, 2: 0, 3: 255}))
    assert np.array_equal(result['gt_seg_map'], np.array([1, 255, 0, 255])[IDS])


@pytest.mark.parametrize('declared', [None, {0: 2, 1: 255, 2: 0}])
def test_reduce_zero_label_equals_mmsegmentation(tmp_path: Path, declared: Any) -> None:
    path = tmp_path / 'label.png'
    ids = np.where(NOISE > 200, 255, IDS).astype(np.uint8)
    path.write_bytes(png_of(ids))
    info = dict(seg_map_path=str(path), label_map=declared, reduce_zero_label=True)
    ours = LoadLabelIds()({**info, 'seg_fields': []})['gt_seg_map']
    theirs = TRANSFORMS.build(dict(type='mmseg.LoadAnnotations'))({**info, 'seg_fields': []})['gt_seg_map']
    assert np.array_equal(ours, theirs) and set(np.unique(ours)) <= {0, 1, 2, 255}


def test_reduce_zero_label_with_a_map_is_refused(tmp_path: Path) -> None:
    path = tmp_path / 'label.png'
    path.write_bytes(png_of(IDS))
    with pytest.raises(ValueError, match='reduce_zero_label=True together with a `label_map`.*map 0 to 255'):
        LoadLabelIds({0: 0})(dict(seg_map_path=str(path), reduce_zero_label=True))


def grey_tiff(rows: bytes, bits: int, white_is_0: bool = False) -> bytes:
    """An uncompressed TIFF of 40x24 grey pixels."""
    tags = [(256, 40), (257, 24), (258, bits), (259, 1), (262, int(not white_is_0)), (273, 8), (277, 1), (278, 24),
            (279, len(rows))]
    entries = b''.join(struct.pack('<HHII', tag, 4, 1, value) for tag, value in tags)
    return b'II*\0' + struct.pack('<I', 8 + len(rows)) + rows + struct.pack('<H', len(tags)) + entries + bytes(4)


@pytest.mark.parametrize('bits', [2, 4])
def test_grey_tiff_of_few_bits_has_the_stored_values(bits: int) -> None:
    rows = np.packbits(np.unpackbits(IDS[:, :, None], axis=2)[:, :, 8 - bits:].reshape(len(IDS), -1), axis=1)
    assert np.array_equal(decode_label(grey_tiff(rows.tobytes(), bits)), IDS)


def test_grey_tiff_in_which_0_is_white_is_refused() -> None:
    assert np.array_equal(decode_label(grey_tiff(IDS.tobytes(), 8)), IDS)
    for bits, pixels in ((8, IDS), (16, IDS.astype(np.uint16))):
        with pytest.raises(LabelFormatError, match='0 is white'):
            decode_label(grey_tiff(pixels.tobytes(), bits, white_is_0=True))
