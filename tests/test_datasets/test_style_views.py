"""Views of an image in styles of other images, at a few flat colours."""
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from small_data import write_image
from udas_mmseg.datasets.image_views import build_augment
from udas_mmseg.datasets.transforms import SegStyles

FLAT = np.full((4, 6, 3), (60, 60, 60), np.uint8)


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_image(tmp_path / 'source/a/1.png', np.full((5, 5, 3), (200, 120, 40), np.uint8))
    write_image(tmp_path / 'translated/city/x.png', np.full((8, 12, 3), (1, 2, 3), np.uint8))
    os.makedirs(tmp_path / 'empty')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def view(augment: Any, number: int, name: str = 'city/x.jpg') -> np.ndarray:
    chosen = augment.of_view(number, name)
    image, _, affine = chosen.apply(FLAT, rng=np.random.default_rng(0))
    assert affine.is_identity and image.shape == FLAT.shape and image.dtype == np.uint8
    return image


def test_each_view_has_its_style(folders: Path) -> None:
    augment = build_augment(dict(type='SegStyles', styles=['lab', 'fda', 'translated'], source='source',
                                 translated_root='translated'))
    for number in (1, 2):  # a flat image has no more than the mean colour of the other one
        assert np.abs(view(augment, number).astype(int) - (200, 120, 40)).max() <= 2
    assert (view(augment, 3) == (1, 2, 3)).all()
    assert (FLAT == 60).all() and augment.number == 0


def test_training_draws_a_style(folders: Path) -> None:
    results = SegStyles(['lab'], source='source')(dict(img=FLAT.copy()))
    assert np.abs(results['img'].astype(int) - (200, 120, 40)).max() <= 2


@pytest.mark.parametrize('options, message', [
    (dict(styles=['dark']), r"styles=\['dark'\]. It must be a list of lab, fda, translated"),
    (dict(styles=['lab']), "the style 'lab' needs `source`, the folder of source images"),
    (dict(styles=['translated']), "the style 'translated' needs `translated_root`, the folder of translations"),
    (dict(source='gone'), r"source='gone' is not a folder \(looked in"),
    (dict(source='source', beta=1), 'beta=1'),
])  # yapf: disable
def test_mistakes_are_named(folders: Path, options: dict, message: str) -> None:
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        SegStyles(**options)


def test_mistakes_that_appear_with_the_images(folders: Path) -> None:
    with pytest.raises(FileNotFoundError, match="source='empty' has no images"):
        view(SegStyles(source='empty'), 1)
    with pytest.raises(ValueError, match='2 styles, and so 3 views with the image itself, but views=4'):
        SegStyles(source='source').of_view(3)
    augment = SegStyles(['translated'], translated_root='translated')
    with pytest.raises(FileNotFoundError, match=r'city/y.jpg has no translation translated/city/y.png'):
        view(augment, 1, 'city/y.jpg')
    with pytest.raises(ValueError, match='where images have a name'):
        augment(dict(img=FLAT.copy()))
