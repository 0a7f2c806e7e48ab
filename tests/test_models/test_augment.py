"""Strong augmentation on the device: the arithmetic of each change, and the draws of each image."""
import colorsys
from typing import Any

import numpy as np
import pytest
import torch
from mmseg.models import SegDataPreProcessor

from online_step import change, shift_hue
from udas_mmseg.models.augment import Augmentation, StrongAugment, apply


def image(*size: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(3, *(size or (12, 20)), dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize('changes', [dict(brightness=1.2), dict(brightness=0.8), dict(contrast=0.7),
                                     dict(saturation=0.), dict(saturation=1.3, brightness=1.1, contrast=1.2)])
@pytest.mark.parametrize('sigma', [None, 0.15, 1.1])
def test_changes_are_those_of_their_equations(changes: dict, sigma: Any) -> None:
    augmentation = Augmentation(changes, sigma)
    assert torch.allclose(apply(image(), augmentation), change(image(), augmentation), rtol=0, atol=1e-12)


@pytest.mark.parametrize('turns', [-0.5, -0.1, 0.2])
def test_the_hue_is_shifted_by_turns(turns: float) -> None:
    assert torch.allclose(apply(image(), Augmentation(dict(hue=turns), None)), shift_hue(image(), turns), atol=1e-5)
    red, = shift_hue(torch.tensor([1., 0., 0.]).view(3, 1, 1), 1 / 3).flatten(1).T.tolist()
    assert red == pytest.approx(colorsys.hsv_to_rgb(1 / 3, 1, 1))


def test_the_kernel_of_the_blur_fits_small_images() -> None:
    found = apply(image(3, 5), Augmentation({}, 1.15))
    assert found.shape == (3, 3, 5) and bool(torch.isfinite(found).all())


def test_draws_have_the_given_ranges_and_probabilities() -> None:
    augment, rng = StrongAugment(jitter=0.3, hue=0.1, blur_sigma=(0.5, 0.9)), np.random.default_rng(0)
    drawn = [augment.draw(rng) for _ in range(2000)]
    assert np.mean([bool(one.factors) for one in drawn]) == pytest.approx(0.8, abs=0.03)
    sigmas = [one.sigma for one in drawn if one.sigma is not None]
    assert len(sigmas) / 2000 == pytest.approx(0.5, abs=0.04)
    assert 0.5 <= min(sigmas) < 0.51 and 0.89 < max(sigmas) <= 0.9
    for name, low, high in (('brightness', 0.7, 1.3), ('contrast', 0.7, 1.3), ('saturation', 0.7, 1.3),
                            ('hue', -0.1, 0.1)):
        values = [one.factors[name] for one in drawn if one.factors]
        assert low <= min(values) < low + 0.01 and high - 0.01 < max(values) <= high
    assert len({tuple(one.factors) for one in drawn if one.factors}) == 24  # every order


def test_each_image_has_its_own_draws_and_the_generator_decides_them() -> None:
    images = 255 * image().expand(4, -1, -1, -1)
    augment = StrongAugment(jitter_prob=1)
    first, again, other = (augment(images, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert all(not torch.equal(first[0], one) for one in first[1:])


@pytest.mark.parametrize('bgr_to_rgb', [True, False])
def test_normalised_images_are_changed_as_the_original_ones(bgr_to_rgb: bool) -> None:
    """Blue is less bright than green, so the order of the channels matters."""
    preprocessor = SegDataPreProcessor(mean=[100., 110., 120.], std=[50., 60., 70.], bgr_to_rgb=bgr_to_rgb,
                                       size=(12, 20))
    bgr = (255 * image()).round()
    stacked = preprocessor(dict(inputs=[bgr.float()], data_samples=None))['inputs'].double()
    augment = StrongAugment(hue=0, jitter_prob=1)
    augmentation = augment.draw(np.random.default_rng(3))
    found = augment(stacked, np.random.default_rng(3), preprocessor)[0]
    rgb = change(bgr.flip(0) / 255, augmentation) * 255
    expected = ((rgb if bgr_to_rgb else rgb.flip(0)) - preprocessor.mean) / preprocessor.std
    assert torch.allclose(found, expected, atol=1e-6)


def test_nothing_to_change_changes_nothing_and_mixed_precision_rounds_nothing() -> None:
    images = 255 * image()[None].float()
    assert torch.allclose(StrongAugment(jitter_prob=0, blur_prob=0)(images, np.random.default_rng(0)), images)
    augment = StrongAugment(blur_prob=1)
    with torch.autocast('cpu', torch.bfloat16):
        found = augment(images, np.random.default_rng(0))
    assert torch.equal(found, augment(images, np.random.default_rng(0)))


def test_values_just_outside_the_range_stay_finite() -> None:
    black = torch.tensor([-1e-8, 0., -2e-8], dtype=torch.float64).view(3, 1, 1).expand(3, 4, 4)
    assert bool(torch.isfinite(apply(black, Augmentation(dict(hue=0.1), None))).all())


@pytest.mark.parametrize(('options', 'message'), [
    (dict(jitter=-0.1), r'augment.jitter=-0.1: it must be in \[0, 1\]'),
    (dict(hue=0.6), r'augment.hue=0.6: it must be in \[0, 0.5\]'),
    (dict(jitter_prob=2), 'augment.jitter_prob=2'),
    (dict(blur_prob=-1), 'augment.blur_prob=-1'),
    (dict(blur_sigma=(0, 1)), 'augment.blur_sigma=.*both above 0'),
    (dict(blur_sigma=(2, 1)), 'smallest and the largest'),
])
def test_impossible_options_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        StrongAugment(**options)
