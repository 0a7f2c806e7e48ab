"""Reading images and raw labels, good and broken."""
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.registry import TRANSFORMS
from PIL import Image

from udas_mmseg.datasets import LoadLabelIds, LoadVerifiedImage, SampleError
from udas_mmseg.datasets.image_files import resize_nearest

IDS = np.random.default_rng(0).integers(0, 23, (24, 40)).astype(np.uint8)


def save_label(path: Path, kind: str) -> str:
    if kind == 'palette':
        image = Image.fromarray(IDS, mode='P')
        image.putpalette([value for index in range(256) for value in (255 - index, index, 7)])
        image.save(path)
    elif kind == 'grey8':
        cv2.imwrite(str(path), IDS)
    elif kind == 'grey16':
        cv2.imwrite(str(path), IDS.astype(np.uint16))
    elif kind == 'synthia':  # 16-bit BGR for OpenCV: blue, green (instance ids), red (class ids)
        noise = np.random.default_rng(1).integers(0, 65536, IDS.shape).astype(np.uint16)
        cv2.imwrite(str(path), np.dstack([noise, noise, IDS.astype(np.uint16)]))
    return str(path)


@pytest.mark.parametrize('kind', ['palette', 'grey8', 'grey16', 'synthia'])
def test_every_label_format_gives_the_same_ids(tmp_path: Path, kind: str) -> None:
    path = save_label(tmp_path / 'label.png', kind)
    identity = {raw: raw for raw in range(23)}
    result = LoadLabelIds(identity)(dict(seg_map_path=path, img_path='', seg_fields=[]))
    assert result['gt_seg_map'].dtype == np.uint8
    assert np.array_equal(result['gt_seg_map'], IDS)
    assert result['seg_fields'] == ['gt_seg_map']


def test_subset_of_the_data_set_is_applied_behind_the_map(tmp_path: Path) -> None:
    path = save_label(tmp_path / 'label.png', 'grey8')
    to_train = {raw: 0 if raw == 7 else 1 for raw in range(23)}
    result = LoadLabelIds(to_train)(dict(seg_map_path=path, img_path='', label_map={0: 5, 1: 255}))
    assert np.array_equal(result['gt_seg_map'], np.where(IDS == 7, 5, 255))


def test_declared_map_of_the_data_set_is_used(tmp_path: Path) -> None:
    path = save_label(tmp_path / 'label.png', 'grey8')
    declared = {raw: 22 - raw for raw in range(23)}
    result = LoadLabelIds()(dict(seg_map_path=path, img_path='', label_map=declared))
    assert np.array_equal(result['gt_seg_map'], 22 - IDS)


def test_mapping_twice_is_refused(tmp_path: Path) -> None:
    path = save_label(tmp_path / 'label.png', 'grey8')
    with pytest.raises(ValueError, match='mapped twice'):
        LoadLabelIds('synthia')(dict(seg_map_path=path, img_path='', label_map={0: 0}, maps_raw_ids=True))


def test_large_ids_without_a_map_are_refused(tmp_path: Path) -> None:
    path = tmp_path / 'label.png'
    cv2.imwrite(str(path), np.full((4, 4), 300, np.uint16))
    with pytest.raises(ValueError, match=r'label\.png has id 300'):
        LoadLabelIds()(dict(seg_map_path=str(path), img_path=''))


def test_id_outside_the_map_names_the_file(tmp_path: Path) -> None:
    path = save_label(tmp_path / 'label.png', 'grey8')
    with pytest.raises(ValueError, match=r'label_map of .*label\.png: id \d+ is not mapped'):
        LoadLabelIds({0: 0})(dict(seg_map_path=path, img_path=''))


def test_size_mismatch_names_both_files_and_sizes(tmp_path: Path) -> None:
    path = save_label(tmp_path / 'label.png', 'grey8')
    with pytest.raises(SampleError, match=r'label\.png is 40x24, but its image image\.png is 41x24'):
        LoadLabelIds()(dict(seg_map_path=path, img_path='image.png', ori_shape=(24, 41)))


def test_known_resizes() -> None:
    label = np.array([[0, 1, 2, 255], [4, 5, 6, 7], [8, 9, 10, 300], [12, 13, 14, 15]], np.uint16)
    assert np.array_equal(resize_nearest(label, 8, 8), np.kron(label, np.ones((2, 2), np.uint16)))
    assert resize_nearest(label, 2, 2).tolist() == [[5, 7], [13, 15]]  # a centre between four pixels: the last of them
    thirds = np.arange(81, dtype=np.uint16).reshape(9, 9)
    assert np.array_equal(resize_nearest(thirds, 3, 3), thirds[1::3, 1::3])  # exactly on a pixel's centre
    assert resize_nearest(label, 2, 2).dtype == np.uint16 and resize_nearest(label, 2, 2).flags.c_contiguous


@pytest.mark.parametrize('old, new', [((147, 128), (160, 160)), ((10, 10), (1920, 1920)), ((1052, 1914), (360, 640))])
def test_resize_takes_the_pixel_that_the_centre_falls_into(old: tuple, new: tuple) -> None:
    label = np.random.default_rng(0).integers(0, 256, old).astype(np.uint8)
    rows, columns = ([int(Fraction(2 * index + 1, 2) * a / b) for index in range(b)] for a, b in zip(old, new))
    assert np.array_equal(resize_nearest(label, *new), label[np.ix_(rows, columns)])


def translated(tmp_path: Path, height: int, width: int) -> dict:
    original = tmp_path / 'original.png'
    cv2.imwrite(str(original), np.zeros((*IDS.shape, 3), np.uint8))
    return dict(seg_map_path=save_label(tmp_path / 'label.png', 'palette'), img_path='translated.png',
                original_img_path=str(original), ori_shape=(height, width), is_translated=True)  # yapf: disable


@pytest.mark.parametrize('height, width', [(12, 20), (48, 80), (24, 38), (23, 40)])
def test_label_takes_the_size_of_its_translated_image(tmp_path: Path, height: int, width: int) -> None:
    label_map = {raw: 255 if raw % 2 else raw for raw in range(23)}
    result = LoadLabelIds(label_map)(translated(tmp_path, height, width))['gt_seg_map']
    mapped = np.where(IDS % 2, 255, IDS).astype(np.uint8)
    assert result.shape == (height, width) and result.dtype == np.uint8
    assert np.array_equal(result, resize_nearest(mapped, height, width))


def test_only_translated_images_may_be_of_another_size(tmp_path: Path) -> None:
    for results in (dict(translated(tmp_path, 12, 20), is_translated=False),
                    {key: value for key, value in translated(tmp_path, 12, 20).items() if key != 'is_translated'}):
        with pytest.raises(SampleError, match=r'label\.png is 40x24, but its image translated\.png is 20x12 '):
            LoadLabelIds()(results)


@pytest.mark.parametrize('height, width', [(24, 37), (22, 40), (12, 24), (24, 12)])
def test_translation_of_another_shape_is_refused(tmp_path: Path, height: int, width: int) -> None:
    with pytest.raises(SampleError, match=rf'label\.png is 40x24, but the translated image translated\.png is '
                       rf'{width}x{height}: .* more than 6%\. Is `translated_root` .* another data set'):
        LoadLabelIds()(translated(tmp_path, height, width))


def test_shapes_of_the_configs_are_accepted(tmp_path: Path) -> None:
    for (height, width), shape in (((760, 1280), (360, 640)), ((1052, 1914), (360, 640)), ((1052, 1914), (720, 1280))):
        cv2.imwrite(str(tmp_path / 'label.png'), np.zeros((height, width), np.uint8))
        results = dict(seg_map_path=str(tmp_path / 'label.png'), img_path='', ori_shape=shape, is_translated=True)
        assert LoadLabelIds()(results)['gt_seg_map'].shape == shape


def test_label_must_fit_the_image_that_was_translated(tmp_path: Path) -> None:
    results = translated(tmp_path, 12, 20)
    cv2.imwrite(results['original_img_path'], np.zeros((25, 40, 3), np.uint8))
    with pytest.raises(SampleError, match=r'label\.png is 40x24, but its image .*original\.png is 40x25'):
        LoadLabelIds()(results)
    Path(results['original_img_path']).unlink()
    with pytest.raises(SampleError, match=r'original\.png cannot be opened'):
        LoadLabelIds()(results)


@pytest.mark.parametrize('suffix', ['.png', '.jpg'])
@pytest.mark.parametrize('keep', [0.0, 0.5, 0.97])
def test_truncated_files_are_named(tmp_path: Path, suffix: str, keep: float) -> None:
    path = tmp_path / f'image{suffix}'
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    content = path.read_bytes()
    path.write_bytes(content[:int(len(content) * keep)])
    with pytest.raises(SampleError, match=f'image{suffix}'):
        LoadVerifiedImage()(dict(img_path=str(path)))
    with pytest.raises(SampleError, match=f'image{suffix}'):
        LoadLabelIds()(dict(img_path='', seg_map_path=str(path)))


@pytest.mark.parametrize('content', [b'no image at all', b'\x89PNG\r\n\x1a\n' + b'\0' * 40 + b'IEND'])
def test_undecodable_files_are_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / 'image.png'
    path.write_bytes(content)
    with pytest.raises(SampleError, match='image.png'):
        LoadVerifiedImage()(dict(img_path=str(path)))
    with pytest.raises(SampleError, match='image.png'):
        LoadLabelIds()(dict(img_path='', seg_map_path=str(path)))


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SampleError, match=r'gone\.png does not exist'):
        LoadVerifiedImage()(dict(img_path=str(tmp_path / 'gone.png')))


def test_image_equals_the_stock_loader(tmp_path: Path) -> None:
    path = tmp_path / 'image.jpg'
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 256, (64, 48, 3), dtype=np.uint8))
    ours = LoadVerifiedImage()(dict(img_path=str(path)))
    stock = TRANSFORMS.build(dict(type='LoadImageFromFile'))(dict(img_path=str(path)))
    assert ours.keys() == stock.keys()
    assert np.array_equal(ours['img'], stock['img']) and ours['ori_shape'] == stock['ori_shape'] == (64, 48)


@pytest.mark.parametrize('suffix, dtype', [('.png', np.uint16), ('.tiff', np.uint16), ('.tiff', np.float32)])
@pytest.mark.parametrize('color_type', ['color', 'unchanged'])
def test_images_of_more_than_8_bits_are_refused(tmp_path: Path, suffix: str, dtype: type, color_type: str) -> None:
    path = tmp_path / f'image{suffix}'
    cv2.imwrite(str(path), np.full((8, 8, 3), 4095, dtype))
    with pytest.raises(ValueError, match=rf'image\{suffix} has more than 8 bits a channel.*convertScaleAbs') as error:
        LoadVerifiedImage(color_type=color_type)(dict(img_path=str(path)))
    assert not isinstance(error.value, SampleError)  # never skipped


@pytest.mark.parametrize('suffix', ['.png', '.jpg'])
def test_bytes_after_the_end_of_a_file_do_not_matter(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f'image{suffix}'
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    image = LoadVerifiedImage()(dict(img_path=str(path)))['img']
    path.write_bytes(path.read_bytes() + bytes(range(256)) * 20)
    assert np.array_equal(LoadVerifiedImage()(dict(img_path=str(path)))['img'], image)
