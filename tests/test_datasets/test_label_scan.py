"""Recognising how label files encode classes."""
from pathlib import Path
from typing import Any, Callable, Dict

import cv2
import numpy as np
import pytest
from PIL import Image

from udas_mmseg.datasets.label_files import LabelFormatError
from udas_mmseg.datasets.label_scan import count_values, scan_labels

IDS = np.array([[0, 0, 0, 1], [0, 2, 2, 1]], np.uint8)
BLUE, RED = (0, 0, 255), (255, 0, 0)


def save(path: Path, pixels: np.ndarray, **options: Any) -> str:
    """Save with Pillow: grey (H, W), or colours (H, W, 3 or 4) in the order red, green, blue."""
    Image.fromarray(pixels).save(path, **options)
    return str(path)


def palette(path: Path) -> str:
    image = Image.fromarray(IDS, 'P')
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    image.save(path)
    return str(path)


def colored(ids: np.ndarray) -> np.ndarray:
    return np.array([BLUE, RED, (1, 2, 3)], np.uint8)[ids]


def with_alpha(path: Path) -> str:
    return save(path, np.dstack([colored(IDS), np.full(IDS.shape, 7, np.uint8)]))


def wide(path: Path) -> str:
    assert cv2.imwrite(str(path), IDS.astype(np.uint16) + 300)
    return str(path)


@pytest.mark.parametrize('name, write, form, kind, pixels', [
    ('a.png', lambda path: save(path, IDS), 'ids', 'grey, 8 bits', {0: 4, 1: 2, 2: 2}),
    ('a.png', wide, 'ids', 'grey, 16 bits', {300: 4, 301: 2, 302: 2}),
    ('a.png', palette, 'ids', 'palette', {0: 4, 1: 2, 2: 2}),
    ('a.tif', palette, 'ids', 'palette', {0: 4, 1: 2, 2: 2}),
    ('a.gif', palette, 'ids', 'palette', {0: 4, 1: 2, 2: 2}),
    ('a.png', lambda path: save(path, IDS > 0), 'ids', '1 bit', {0: 4, 1: 4}),
    ('a.png', lambda path: save(path, np.uint8(255) * (IDS > 0)), 'ids', 'grey, 8 bits', {0: 4, 255: 4}),
    ('a.png', lambda path: save(path, colored(IDS)), 'colors', 'colours', {BLUE: 4, RED: 2, (1, 2, 3): 2}),
    ('a.bmp', lambda path: save(path, colored(IDS)), 'colors', 'colours', {BLUE: 4, RED: 2, (1, 2, 3): 2}),
    ('a.png', with_alpha, 'colors', 'colours with alpha', {BLUE: 4, RED: 2, (1, 2, 3): 2}),
    ('a.png', lambda path: save(path, np.dstack([IDS] * 3)), 'ids', 'colours, ids in the red or in all channels',
     {0: 4, 1: 2, 2: 2}),
])  # yapf: disable
def test_kinds_of_files_are_recognised(tmp_path: Path, name: str, write: Callable[[Path], str], form: str, kind: str,
                                       pixels: Dict[Any, int]) -> None:
    scan = scan_labels([write(tmp_path / name)])
    assert (scan.form, scan.kind, scan.pixels, scan.channel) == (form, kind, dict(sorted(pixels.items())), None)
    assert scan.shapes == {str(tmp_path / name): (2, 4)} and scan.doubts == [] and scan.broken == {}


def test_masks_of_0_and_255_have_two_classes_and_others_ignore_255(tmp_path: Path) -> None:
    binary = scan_labels([save(tmp_path / 'a.png', np.uint8(255) * (IDS > 0))])
    assert binary.is_binary and binary.values == [0, 255]
    ids = np.where(IDS == 2, 255, IDS).astype(np.uint8)
    scan = scan_labels([save(tmp_path / 'b.png', ids)])
    assert not scan.is_binary and scan.values == [0, 1] and scan.share(255) == 0.25


def test_red_is_the_class_beside_instance_ids(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    red = rng.integers(0, 5, (8, 8), dtype=np.uint8)
    instances = rng.integers(0, 256, (8, 8, 2), dtype=np.uint8)
    scan = scan_labels([save(tmp_path / 'a.png', np.dstack([red, instances]))])
    assert (scan.form, scan.channel) == ('ids', 'red') and sorted(scan.pixels) == [0, 1, 2, 3, 4]
    assert 'red is taken for the class' in scan.doubts[0]


def test_smoothed_colours_are_refused(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    with pytest.raises(LabelFormatError, match='without anti-aliasing'):
        scan_labels([save(tmp_path / 'a.png', noise)])


def test_photos_are_not_labels(tmp_path: Path) -> None:
    save(tmp_path / 'a.jpg', colored(IDS))
    with pytest.raises(LabelFormatError, match='lossy'):
        scan_labels([str(tmp_path / 'a.jpg')])
    every = np.arange(256 * 2, dtype=np.uint16).reshape(2, 256)
    cv2.imwrite(str(tmp_path / 'depth.png'), every)
    with pytest.raises(LabelFormatError, match='511 ids'):
        scan_labels([str(tmp_path / 'depth.png')])


def test_broken_files_are_listed(tmp_path: Path) -> None:
    good = save(tmp_path / 'a.png', IDS)
    bad = tmp_path / 'b.png'
    bad.write_bytes(Path(good).read_bytes()[:-20])
    scan = scan_labels([good, str(bad)])
    assert list(scan.broken) == [str(bad)] and list(scan.shapes) == [good]
    with pytest.raises(LabelFormatError, match='none of 1 label files'):
        scan_labels([str(bad)])


def test_one_coloured_file_among_black_ones_decides(tmp_path: Path) -> None:
    black = save(tmp_path / 'a.png', np.zeros((2, 4, 3), np.uint8))
    scan = scan_labels([black, save(tmp_path / 'b.png', colored(IDS))])
    assert scan.form == 'colors' and scan.pixels[0, 0, 0] == 8
    assert scan.examples[0, 0, 0] == black


def test_counts_are_those_of_bincount() -> None:
    raw = np.random.default_rng(0).integers(0, 3, (20, 30)).astype(np.uint8)
    assert count_values(raw) == dict(enumerate(np.bincount(raw.ravel()).tolist()))
