"""Operations of AutoAugment: colours are those of Pillow, geometry is where the matrix says."""
from typing import Any, Callable, Dict, Tuple

import cv2
import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from udas_mmseg.datasets.transforms.augment_ops import COLOUR, GEOMETRY, OPERATIONS, Step, apply_steps, value_at


def scene(height: int = 45, width: int = 60, seed: int = 0) -> np.ndarray:
    """(H, W, 3) uint8: smooth, with a different range in each channel, and a little noise."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers((30, 5, 80), (180, 250, 220), (6, 8, 3), dtype=np.uint8)
    large = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return large + rng.integers(0, 5, large.shape, dtype=np.uint8)


IMAGES = {
    'scene': scene(),
    'noise': np.random.default_rng(1).integers(0, 256, (40, 50, 3), dtype=np.uint8),
    'flat': np.full((20, 30, 3), (10, 200, 90), np.uint8),
    'black': np.zeros((9, 7, 3), np.uint8),
    'two values': np.repeat(np.array([[[40, 7, 90]], [[41, 255, 0]]], np.uint8), 300, 1),
    'tiny': scene(3, 4),
    'one pixel': scene(1, 1),
}
FACTORS = (0.1, 0.46, 0.82, 1.0, 1.54, 1.9)
PILLOW: Dict[str, Tuple[Callable[..., Any], Tuple[float, ...]]] = {
    'AutoContrast': (lambda image, _: ImageOps.autocontrast(image), (0, )),
    'Invert': (lambda image, _: ImageOps.invert(image), (0, )),
    'Equalize': (lambda image, _: ImageOps.equalize(image), (0, )),
    'Solarize': (ImageOps.solarize, (0, 51.2, 128, 179.2, 255, 256)),
    'Posterize': (ImageOps.posterize, (4, 5, 6, 7, 8)),
    'Contrast': (lambda image, factor: ImageEnhance.Contrast(image).enhance(factor), FACTORS),
    'Color': (lambda image, factor: ImageEnhance.Color(image).enhance(factor), FACTORS),
    'Brightness': (lambda image, factor: ImageEnhance.Brightness(image).enhance(factor), FACTORS),
    'Sharpness': (lambda image, factor: ImageEnhance.Sharpness(image).enhance(factor), FACTORS),
}
EXACT = ('AutoContrast', 'Invert', 'Equalize', 'Solarize', 'Posterize')


def pillow(operation: Callable[[Image.Image], Image.Image], image: np.ndarray) -> np.ndarray:
    """Apply one of Pillow's operations to a BGR image."""
    return np.array(operation(Image.fromarray(np.ascontiguousarray(image[:, :, ::-1]))))[:, :, ::-1].astype(int)


@pytest.mark.parametrize('kind', IMAGES)
@pytest.mark.parametrize(('name', 'value'), [(name, value) for name, (_, values) in PILLOW.items() for value in values])
def test_colours_are_those_of_pillow(name: str, value: float, kind: str) -> None:
    image = IMAGES[kind]
    result = COLOUR[name](image, value)
    assert result.dtype == np.uint8 and result.shape == image.shape
    difference = np.abs(result - pillow(lambda picture: PILLOW[name][0](picture, value), image))
    if name in EXACT:  # a tolerance of one level would hide a wrong table
        assert difference.max() == 0
    assert difference.max() <= 2
    if kind in ('scene', 'noise'):  # rounding differs by up to a level, everywhere in an image of one colour
        assert difference.mean() <= 0.75


def test_pillow_is_asked_about_every_operation() -> None:
    assert set(PILLOW) == set(COLOUR) and len(OPERATIONS) == 14


@pytest.mark.parametrize('degrees', [-30, -7, 12, 24])
@pytest.mark.parametrize('size', [(45, 60), (60, 45), (44, 61)])
def test_rotation_is_that_of_pillow(degrees: float, size: Tuple[int, int]) -> None:
    image = cv2.blur(scene(*size), (5, 5))
    view = GEOMETRY['Rotate'](size, degrees).warp_image(image, 128)
    theirs = pillow(lambda picture: picture.rotate(degrees, Image.Resampling.BILINEAR, fillcolor=(128, ) * 3), image)
    known = np.ones(size, np.uint8)
    deep = cv2.erode(GEOMETRY['Rotate'](size, degrees).warp_image(known, 0), np.ones((5, 5)), borderValue=0) == 1
    assert deep.mean() > 0.4
    assert np.abs(view - theirs)[deep].max() <= 3
    assert (view[~deep] == 128).any()


def test_shears_move_rows_and_columns_by_their_distance_from_the_centre() -> None:
    matrix = GEOMETRY['ShearX']((21, 31), 0.3).matrix
    np.testing.assert_allclose(matrix @ (4, 10, 1), (4, 10, 1))  # the row in the middle stays
    np.testing.assert_allclose(matrix @ (4, 20, 1), (7, 20, 1))
    matrix = GEOMETRY['ShearY']((21, 31), -0.2).matrix
    np.testing.assert_allclose(matrix @ (15, 3, 1), (15, 3, 1))
    np.testing.assert_allclose(matrix @ (25, 3, 1), (25, 1, 1))


def test_shifts_are_shares_of_the_side_in_whole_pixels() -> None:
    x, y = (GEOMETRY[name]((100, 662), value_at(name, 0.5, -1)) for name in ('TranslateX', 'TranslateY'))
    np.testing.assert_array_equal(x.matrix[:2, 2], (-150, 0))
    np.testing.assert_array_equal(y.matrix[:2, 2], (0, -23))


@pytest.mark.parametrize(('name', 'share', 'value'), [
    ('ShearX', 0.5, 0.15), ('ShearY', 1, 0.3), ('TranslateX', 1, 150 / 331), ('Rotate', 0.9, 27), ('Rotate', 0, 0),
    ('Solarize', 0, 256), ('Solarize', 0.5, 128), ('Solarize', 1, 0), ('Posterize', 0, 8), ('Posterize', 1, 4),
    ('Color', 0, 0.1), ('Contrast', 0.5, 1.0), ('Brightness', 1, 1.9), ('Sharpness', 0.8, 1.54), ('Equalize', 1, 0)])
def test_magnitudes(name: str, share: float, value: float) -> None:
    assert value_at(name, share, 1) == pytest.approx(value)
    assert value_at(name, share, -1) == pytest.approx(-value if name in GEOMETRY else value)


def test_operations_are_applied_in_order() -> None:
    image = scene()
    solarize, equalize = Step('Solarize', 100), Step('Equalize', 0)
    result, affine = apply_steps(image, [solarize, equalize])
    np.testing.assert_array_equal(result, COLOUR['Equalize'](COLOUR['Solarize'](image, 100), 0))
    assert affine.is_identity
    shift, invert = Step('TranslateX', 0.2), Step('Invert', 0)
    first, second = apply_steps(image, [shift, invert])[0], apply_steps(image, [invert, shift])[0]
    np.testing.assert_array_equal(first[:, 12:], second[:, 12:])
    assert (first[:, :12] == 127).all() and (second[:, :12] == 128).all()  # the fill is inverted if it was there


def test_geometric_operations_are_one_warp_that_loses_nothing() -> None:
    image, back = scene(), [Step('TranslateX', 0.4), Step('Invert', 0), Step('TranslateX', -0.4)]
    result, affine = apply_steps(image, back)
    assert affine.is_identity
    np.testing.assert_array_equal(result, 255 - image)
    turn, shear = Step('Rotate', 20), Step('ShearX', 0.2)
    expected = GEOMETRY['Rotate']((45, 60), 20).then(GEOMETRY['ShearX']((45, 60), 0.2))
    for steps in ([turn, shear], [turn, turn]):  # the same object twice, too
        result, affine = apply_steps(image, steps)
        np.testing.assert_array_equal(result, affine.warp_image(image, 128))
    np.testing.assert_array_equal(apply_steps(image, [turn, shear])[1].matrix, expected.matrix)
