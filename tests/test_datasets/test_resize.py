"""Resizing with antialiasing: the values of Pillow, and labels of the nearest pixels."""
import numpy as np
import pytest
from mmseg.registry import TRANSFORMS
from PIL import Image

from udas_mmseg.datasets.image_files import resize_nearest
from udas_mmseg.datasets.transforms.resize import resize_antialiased

NOISE = np.random.default_rng(0).integers(64, 192, (90, 160, 3), dtype=np.uint8)  # nothing is clipped


@pytest.mark.parametrize('size', [(50, 28), (160, 30), (20, 90), (320, 180), (161, 45)])
def test_images_are_those_of_pillow(size: tuple) -> None:
    expected = np.asarray(Image.fromarray(NOISE).resize(size, Image.Resampling.BICUBIC)).astype(int)
    found = resize_antialiased(NOISE, size[1], size[0])
    assert found.flags.c_contiguous
    assert found.dtype == np.uint8 and abs(found - expected).max() <= 2
    grey = resize_antialiased(NOISE[:, :, 0], size[1], size[0])
    assert grey.shape == size[::-1] and abs(grey - expected[:, :, 0]).max() <= 2
    assert abs(resize_antialiased(NOISE[:, ::-1], size[1], size[0])[:, ::-1] - expected).max() <= 2


def test_an_image_of_the_size_is_not_changed() -> None:
    assert resize_antialiased(NOISE, 90, 160) is NOISE


@pytest.mark.parametrize(('options', 'shape'), [(dict(scale=(40, 40)), (40, 40)), (dict(scale=30), (30, 30)),
                                                (dict(scale=(40, 40), keep_ratio=True), (23, 40)),
                                                (dict(scale_factor=0.5), (45, 80))])
def test_the_keys_are_those_of_resize(options: dict, shape: tuple) -> None:
    label = np.random.default_rng(1).choice(np.array([0, 7, 18, 255], np.uint8), (90, 160))
    results = []
    for kind in ('AntialiasedResize', 'Resize'):
        sample = dict(img=NOISE, gt_seg_map=label, seg_fields=['gt_seg_map'], img_shape=(90, 160))
        results.append(TRANSFORMS.build(dict(type=kind, **options))(sample))
    ours, stock = results
    assert ours['img'].shape == (*shape, 3) and ours.keys() == stock.keys()
    assert all(ours[key] == stock[key] for key in ('scale', 'scale_factor', 'img_shape', 'keep_ratio'))
    assert np.array_equal(ours['gt_seg_map'], resize_nearest(label, *shape))


def test_random_sizes_take_it() -> None:
    step = TRANSFORMS.build(dict(type='RandomResize', resize_type='AntialiasedResize', scale=(80, 45),
                                 ratio_range=(1.0, 1.0), keep_ratio=True))
    assert np.array_equal(step(dict(img=NOISE))['img'], resize_antialiased(NOISE, 45, 80))


def test_mistakes_are_named() -> None:
    with pytest.raises(ValueError, match='neither scale nor scale_factor'):
        TRANSFORMS.build(dict(type='AntialiasedResize'))
    with pytest.raises(ValueError, match='the image is float32, but uint8 is needed'):
        TRANSFORMS.build(dict(type='AntialiasedResize', scale=8))(dict(img=NOISE.astype(np.float32)))
