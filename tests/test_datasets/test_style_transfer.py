"""Styles are transferred as the papers' equations say."""
from typing import Tuple

import cv2
import numpy as np
import pytest
from mmseg.registry import TRANSFORMS

from udas_mmseg.datasets.transforms.style_transfer import (
    fourier_amplitude_transfer,
    lab_statistics_transfer,
    swap_low_amplitudes,
)


def noise(seed: int, height: int = 12, width: int = 17, low: int = 0, high: int = 256) -> np.ndarray:
    return np.random.default_rng(seed).integers(low, high, (height, width, 3), dtype=np.uint8)


def spectrum(image: np.ndarray) -> np.ndarray:
    """(H, W, C) complex, zero frequency in the middle: an independent way, over the whole plane."""
    return np.fft.fftshift(np.fft.fft2(image.astype(np.float64), axes=(0, 1)), axes=(0, 1))


def window(height: int, width: int, half_width: int) -> np.ndarray:
    rows = np.abs(np.arange(height) - height // 2) <= half_width
    columns = np.abs(np.arange(width) - width // 2) <= half_width
    return rows[:, None] & columns[None, :]


SIZES = [(12, 17), (17, 12), (12, 16), (11, 17), (8, 8), (1, 5)]


@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize('half_width', [0, 1, 3])
def test_amplitudes_are_swapped_in_the_window_alone_and_phases_nowhere(size: Tuple[int, int], half_width: int) -> None:
    source, target = noise(0, *size), noise(1, *size)
    mixed = swap_low_amplitudes(source, target, half_width)
    assert mixed.dtype == np.float32
    ours, theirs, result = spectrum(source), spectrum(target), spectrum(mixed)
    inside = window(*size, half_width)
    np.testing.assert_allclose(np.abs(result[inside]), np.abs(theirs[inside]), atol=0.05)
    np.testing.assert_allclose(result[~inside], ours[~inside], atol=0.05)
    turned = np.angle(result[inside] * ours[inside].conj())  # the shortest way from phase to phase
    np.testing.assert_allclose(turned, 0, atol=1e-3)


@pytest.mark.parametrize('size', SIZES)
def test_the_largest_window_takes_the_whole_shorter_side(size: Tuple[int, int]) -> None:
    source, target = noise(0, *size), noise(1, *size)
    mixed = spectrum(swap_low_amplitudes(source, target, min(size) // 2))
    if size[0] <= size[1]:
        taken, wanted = mixed[:, size[1] // 2], spectrum(target)[:, size[1] // 2]
    else:
        taken, wanted = mixed[size[0] // 2], spectrum(target)[size[0] // 2]
    np.testing.assert_allclose(np.abs(taken), np.abs(wanted), atol=0.05)


@pytest.mark.parametrize(('beta', 'half_width'), [(0, 0), (0.08, 0), (0.09, 1), (0.25, 3), (0.5, 6)])
def test_window_is_the_floor_of_beta_times_the_shorter_side(beta: float, half_width: int) -> None:
    source, target = noise(0, 12, 30, 90, 160), noise(1, 12, 30, 90, 160)
    expected = swap_low_amplitudes(source, target, half_width)
    np.testing.assert_array_equal(
        fourier_amplitude_transfer(source, target, beta), np.rint(np.clip(expected, 0, 255)).astype(np.uint8))


@pytest.mark.parametrize('beta', [0, 0.1, 0.5])
def test_an_image_is_its_own_style(beta: float) -> None:
    np.testing.assert_array_equal(fourier_amplitude_transfer(noise(0), noise(0), beta), noise(0))


def test_zero_beta_moves_the_mean_colour_alone() -> None:
    source, target = noise(0, low=100, high=120), noise(1, low=180, high=200)
    mixed = fourier_amplitude_transfer(source, target, 0)
    shift = target.mean((0, 1)) - source.mean((0, 1))
    np.testing.assert_array_equal(mixed, np.rint(source + shift))


def test_results_are_clipped_instead_of_wrapped() -> None:
    source, target = noise(0), np.full((12, 17, 3), 250, np.uint8)
    mixed = fourier_amplitude_transfer(source, target, 0).astype(int)
    assert mixed.max() == 255
    assert (mixed >= source).all()


def test_constant_images_exchange_their_colour() -> None:
    black, grey = np.zeros((6, 7, 3), np.uint8), np.full((6, 7, 3), 90, np.uint8)
    np.testing.assert_array_equal(fourier_amplitude_transfer(black, grey, 0.5), grey)
    np.testing.assert_array_equal(fourier_amplitude_transfer(grey, black, 0.5), black)


def test_sizes_must_agree() -> None:
    with pytest.raises(ValueError, match=r'\(12, 17, 3\).*\(12, 16, 3\).*Resize the target'):
        fourier_amplitude_transfer(noise(0), noise(1, width=16), 0.1)


def lab_statistics(image: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_BGR2Lab).astype(np.float64)
    return lab.mean((0, 1)), lab.std((0, 1))


def test_lab_statistics_become_those_of_the_target() -> None:
    source = noise(0, 40, 60, 110, 150)  # little contrast on both sides: nothing leaves the gamut
    target = noise(1, 30, 20, 80, 110) + np.array([30, 0, 10], np.uint8)
    mean, deviation = lab_statistics(lab_statistics_transfer(source, target))
    wanted_mean, wanted_deviation = lab_statistics(target)
    np.testing.assert_allclose(mean, wanted_mean, atol=0.15)
    np.testing.assert_allclose(deviation, wanted_deviation, atol=0.15)
    assert np.abs(lab_statistics(source)[0] - wanted_mean).max() > 5  # it was not so before
    assert np.abs(lab_statistics(source)[1] - wanted_deviation).max() > 1


def test_an_image_keeps_its_own_lab_statistics() -> None:
    difference = lab_statistics_transfer(noise(0), noise(0)).astype(int) - noise(0)
    assert np.abs(difference).max() <= 1


def test_constant_source_takes_the_mean_of_the_target() -> None:
    target = noise(1, low=100, high=140)
    result = lab_statistics_transfer(np.full((5, 6, 3), 30, np.uint8), target)
    assert (result == result[0, 0]).all()
    np.testing.assert_allclose(lab_statistics(result)[0], lab_statistics(target)[0], atol=0.3)


def test_grey_source_does_not_take_on_noise() -> None:
    grey = np.repeat(noise(0, 40, 60, 90, 150)[:, :, :1], 3, axis=2)
    colourful = noise(1)
    result = lab_statistics_transfer(grey, colourful)
    deviation = lab_statistics(result)[1]
    assert lab_statistics(colourful)[1][1:].min() > 20
    assert deviation[1:].max() < 1  # nothing of a and b to stretch: what OpenCV leaves in them is rounding


def results(height: int = 12, width: int = 17, target: Tuple[int, int] = (30, 40)) -> dict:
    return dict(
        img=noise(0, height, width), img_path='source.png', gt_seg_map=noise(2, height, width)[:, :, 0],
        seg_fields=['gt_seg_map'], mix_results=[dict(img=noise(1, *target, 100, 200), img_path='target.png')])


@pytest.mark.parametrize('kind', ['FourierAmplitudeTransfer', 'LabStatisticsTransfer'])
@pytest.mark.parametrize('target', [(12, 17), (30, 40), (5, 6)])
def test_only_the_image_changes(kind: str, target: Tuple[int, int]) -> None:
    before, sample = results(target=target), results(target=target)
    after = TRANSFORMS.build(dict(type=kind))(sample)
    assert after['img'].shape == before['img'].shape and after['img'].dtype == np.uint8
    assert not np.array_equal(after['img'], before['img'])
    np.testing.assert_array_equal(after['gt_seg_map'], before['gt_seg_map'])
    np.testing.assert_array_equal(after['mix_results'][0]['img'], before['mix_results'][0]['img'])
    assert after.keys() == before.keys()


def test_target_that_shrinks_is_averaged() -> None:
    fine = np.zeros((48, 68, 3), np.uint8)
    fine[::4, ::4] = 160  # a sixteenth of the pixels, none of which bilinear sampling would see
    sample = dict(results(), mix_results=[dict(img=fine)])
    image = TRANSFORMS.build(dict(type='FourierAmplitudeTransfer', beta=0))(sample)['img']
    expected = fourier_amplitude_transfer(noise(0), np.full((12, 17, 3), 10, np.uint8), 0)
    np.testing.assert_array_equal(image, expected)


def test_prob_is_the_share_of_changed_samples() -> None:
    half, never = (TRANSFORMS.build(dict(type='LabStatisticsTransfer', prob=prob)) for prob in (0.5, 0))
    np.random.seed(0)
    changed = [not np.array_equal(half(results())['img'], noise(0)) for _ in range(100)]
    assert 35 <= sum(changed) <= 65
    assert all(np.array_equal(never(results())['img'], noise(0)) for _ in range(10))


def test_beta_is_drawn_from_its_range() -> None:
    transform = TRANSFORMS.build(dict(type='FourierAmplitudeTransfer', beta=(0, 0.5)))
    sample = results(target=(12, 17))
    expected = {
        fourier_amplitude_transfer(noise(0), sample['mix_results'][0]['img'], width / 12 + 1e-6).tobytes(): width
        for width in range(6)
    }
    assert len(expected) == 6
    np.random.seed(0)
    drawn = [expected[transform(results(target=(12, 17)))['img'].tobytes()] for _ in range(120)]
    counts = np.bincount(drawn, minlength=6)
    assert counts.min() >= 8, counts  # 20 each on average


@pytest.mark.parametrize('beta', [-0.01, 0.51, float('nan'), (0.2, 0.1), (0.1, 0.6), (0.1, ), (0.1, 0.2, 0.3)])
def test_beta_outside_its_range_is_refused(beta: object) -> None:
    with pytest.raises(ValueError, match='beta=.*0 .*to 0.5'):
        TRANSFORMS.build(dict(type='FourierAmplitudeTransfer', beta=beta))


@pytest.mark.parametrize('kind', ['FourierAmplitudeTransfer', 'LabStatisticsTransfer'])
class TestMistakes:

    @pytest.mark.parametrize('prob', [-0.1, 1.1])
    def test_no_probability(self, kind: str, prob: float) -> None:
        with pytest.raises(ValueError, match=f'{kind}: prob={prob} .*0 to 1'):
            TRANSFORMS.build(dict(type=kind, prob=prob))

    @pytest.mark.parametrize('partners', [None, [], [dict(inputs=1)]])
    def test_no_target_image(self, kind: str, partners: object) -> None:
        sample = dict(results(), mix_results=partners)
        with pytest.raises(ValueError, match=f'{kind} has no target image.*source.png.*DomainMixDataset'):
            TRANSFORMS.build(dict(type=kind, prob=0))(sample)  # said at once, not at the first sample that is changed

    @pytest.mark.parametrize('image', [noise(0).astype(np.float32), noise(0)[:, :, 0], noise(0)[:, :, :2]])
    def test_another_kind_of_image(self, kind: str, image: np.ndarray) -> None:
        transform = TRANSFORMS.build(dict(type=kind))
        with pytest.raises(ValueError, match=r'source\.png is \(12, 17.*\(H, W, 3\) uint8'):
            transform(dict(results(), img=image))
        with pytest.raises(ValueError, match=r'target\.png is \(12, 17.*\(H, W, 3\) uint8'):
            transform(dict(results(), mix_results=[dict(img=image, img_path='target.png')]))
