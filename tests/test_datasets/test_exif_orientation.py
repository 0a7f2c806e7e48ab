"""Images with an EXIF orientation, and their labels."""
import logging
from pathlib import Path
from typing import Any, Dict, List

import numpy as np
import pytest
from mmengine.logging import MMLogger
from mmengine.registry import TRANSFORMS
from PIL import Image, ImageOps

from udas_mmseg.datasets import LoadLabelIds, LoadVerifiedImage, SampleError
from udas_mmseg.datasets.image_files import _is_exchanged
from udas_mmseg.datasets.label_files import LabelFormatError
from udas_mmseg.datasets.transforms import loading

STORED = dict(color_type='color_ignore_orientation')
PIXELS = np.random.default_rng(0).integers(0, 256, (24, 40, 3), dtype=np.uint8)


def write(path: Path, orientation: int, pixels: np.ndarray = PIXELS) -> str:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(path, exif=exif, **(dict(lossless=True) if path.suffix == '.webp' else {}))
    return str(path)


def write_label(path: Path, height: int, width: int) -> str:
    Image.fromarray(np.arange(height * width, dtype=np.uint8).reshape(height, width) % 3).save(path)
    return str(path)


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> List[str]:
    """The warnings in the log, as if no image had been logged before."""
    found: List[str] = []
    monkeypatch.setattr(loading, '_said', set())
    monkeypatch.setattr(MMLogger.get_current_instance(), 'handle', lambda record: found.append(record.getMessage())
                        if record.levelno >= logging.WARNING else None)  # yapf: disable
    return found


@pytest.mark.parametrize('suffix', ['.png', '.tiff'])
@pytest.mark.parametrize('orientation', range(1, 9))
def test_both_readings(tmp_path: Path, suffix: str, orientation: int) -> None:
    path = write(tmp_path / f'photo{suffix}', orientation)
    with Image.open(path) as image:
        displayed = np.array(ImageOps.exif_transpose(image))[:, :, ::-1]
    turned = LoadVerifiedImage()(dict(img_path=path))
    assert np.array_equal(turned['img'], displayed) and turned['ori_shape'] == displayed.shape[:2]
    if suffix == '.tiff' and orientation != 1:  # decoders turn it in any case
        with pytest.raises(ValueError, match=r'photo\.tiff has EXIF orientation \d\. A TIFF is always turned'):
            LoadVerifiedImage(**STORED)(dict(img_path=path))
        return
    stored = LoadVerifiedImage(**STORED)(dict(img_path=path))
    assert np.array_equal(stored['img'], PIXELS[:, :, ::-1])
    assert turned.get('exif_orientation', 1) == stored.get('exif_orientation', 1) == orientation


@pytest.mark.parametrize('backend', ['cv2', 'pillow'])
def test_jpeg_is_turned_as_by_the_stock_loader(tmp_path: Path, backend: str) -> None:
    path = write(tmp_path / 'photo.jpg', 6)
    ours = LoadVerifiedImage(imdecode_backend=backend)(dict(img_path=path))
    stock = TRANSFORMS.build(dict(type='LoadImageFromFile', imdecode_backend=backend))(dict(img_path=path))
    assert np.array_equal(ours['img'], stock['img']) and ours['img'].shape == (40, 24, 3)


def test_webp_is_described_as_it_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / 'photo.webp', 6)
    results = LoadVerifiedImage(imdecode_backend='pillow')(dict(img_path=path))
    assert results['ori_shape'] == (40, 24) and results['exif_orientation'] == 6
    assert _is_exchanged(path)


@pytest.mark.parametrize('suffix', ['.png', '.jpg', '.tiff', '.webp'])
def test_orientation_of_large_files(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    assert _is_exchanged(write(tmp_path / f'six{suffix}', 6, noise))
    assert not _is_exchanged(write(tmp_path / f'three{suffix}', 3, noise))


def test_the_first_image_is_logged_once(tmp_path: Path, warnings: List[str]) -> None:
    LoadVerifiedImage()(dict(img_path=write(tmp_path / 'plain.png', 1)))
    assert not warnings
    for name in ('a.jpg', 'b.jpg'):
        LoadVerifiedImage()(dict(img_path=write(tmp_path / name, 3)))
    assert len(warnings) == 1 and 'a.jpg has EXIF orientation 3: such images are turned as displayed' in warnings[0]
    assert "color_type='color_ignore_orientation' reads them as stored" in warnings[0]
    LoadVerifiedImage(**STORED)(dict(img_path=write(tmp_path / 'c.jpg', 8)))
    assert len(warnings) == 2 and 'c.jpg has EXIF orientation 8: such images are read as stored' in warnings[1]


def test_images_of_the_stock_loader(tmp_path: Path) -> None:
    stock = TRANSFORMS.build(dict(type='LoadImageFromFile'))
    label = write_label(tmp_path / 'label.png', 24, 40)
    with pytest.raises(SampleError, match='fits its pixels as stored'):
        LoadLabelIds()(stock(dict(img_path=write(tmp_path / 'photo.jpg', 6), seg_map_path=label)))


def load_both(image: str, label: str, loader: Dict[str, Any], **info: Any) -> np.ndarray:
    return LoadLabelIds()(LoadVerifiedImage(**loader)(dict(img_path=image, seg_map_path=label, **info)))['gt_seg_map']


@pytest.mark.parametrize('loader, fits, other, fix', [
    ({}, (40, 24), (24, 40), "fits its pixels as stored: set color_type='color_ignore_orientation'"),
    (STORED, (24, 40), (40, 24), "fits it as displayed: use color_type='color'"),
])
def test_label_of_the_other_reading_is_refused_with_the_option(tmp_path: Path, loader: dict, fits: tuple,
                                                               other: tuple, fix: str) -> None:
    image = write(tmp_path / 'photo.jpg', 6)
    assert load_both(image, write_label(tmp_path / 'label.png', *fits), loader).shape == fits
    with pytest.raises(SampleError, match=fix):
        load_both(image, write_label(tmp_path / 'other.png', *other), loader)
    with pytest.raises(SampleError) as error:  # fits neither
        load_both(image, write_label(tmp_path / 'third.png', 20, 20), loader)
    assert 'orientation' not in str(error.value)


@pytest.mark.parametrize('loader, fits, other, fix', [
    ({}, (40, 24), (24, 40), 'fits its pixels as stored'),
    (STORED, (24, 40), (40, 24), 'fits it as displayed'),
])
def test_original_of_a_translation_is_compared_in_the_same_reading(tmp_path: Path, loader: dict, fits: tuple,
                                                                   other: tuple, fix: str) -> None:
    original = write(tmp_path / 'photo.jpg', 6)
    image = write(tmp_path / 'translated.png', 1, np.zeros((fits[0] // 2, fits[1] // 2, 3), np.uint8))
    info = dict(is_translated=True, original_img_path=original)
    label = load_both(image, write_label(tmp_path / 'label.png', *fits), loader, **info)
    assert label.shape == (fits[0] // 2, fits[1] // 2)
    with pytest.raises(SampleError, match=fix):
        load_both(image, write_label(tmp_path / 'other.png', *other), loader, **info)


def test_label_with_an_orientation_is_refused(tmp_path: Path) -> None:
    label = write(tmp_path / 'label.png', 3, PIXELS[:, :, 0] % 3)
    with pytest.raises(LabelFormatError, match=r'label\.png has an EXIF orientation, .*exiftool'):
        LoadLabelIds()(dict(seg_map_path=label))
