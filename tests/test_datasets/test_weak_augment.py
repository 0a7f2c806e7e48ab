"""Flip, scale and crop as one map."""
import cv2
import numpy as np
import pytest
import torch

from udas_mmseg.datasets.transforms import SegWeakAugment


def scene(height: int = 45, width: int = 60, seed: int = 0) -> np.ndarray:
    """(H, W, 3) uint8: smooth, with a different range in each channel, and a little noise."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers((30, 5, 80), (180, 250, 220), (6, 8, 3), dtype=np.uint8)
    large = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return large + rng.integers(0, 5, large.shape, dtype=np.uint8)


class TestWeakAugment:

    def test_without_scaling_it_is_an_exact_crop(self) -> None:
        image, label = scene(), np.random.default_rng(0).integers(0, 19, (45, 60), dtype=np.uint8)
        weak = SegWeakAugment(crop_size=(30, 41), scale_range=(1, 1), flip_prob=0.5)
        origins = set()
        for seed in range(60):
            view, moved, affine = weak.apply(image, label, rng=np.random.default_rng(seed))
            flips = affine.matrix[0, 0] < 0
            right, down = affine.matrix[:2, 2]
            x, y = round(59 - right if flips else -right), round(-down)
            flipped, flipped_label = (image[:, ::-1], label[:, ::-1]) if flips else (image, label)
            np.testing.assert_array_equal(view, flipped[y:y + 30, x:x + 41])
            np.testing.assert_array_equal(moved, flipped_label[y:y + 30, x:x + 41])
            origins.add((x, y, bool(flips)))
        assert {flips for *_, flips in origins} == {True, False}
        assert {x for x, *_ in origins} >= {0, 19} and {y for _, y, _ in origins} >= {0, 15}
        assert all(0 <= x <= 19 and 0 <= y <= 15 for x, y, _ in origins)

    @pytest.mark.parametrize('scale', [0.5, 0.7, 1.6, 2.0])
    def test_scaling_is_that_of_opencv(self, scale: float) -> None:
        image = cv2.blur(scene(40, 60), (5, 5))
        size = (round(40 * scale), round(60 * scale))
        weak = SegWeakAugment(crop_size=size, scale_range=(scale, scale), flip_prob=0)
        view, _, _ = weak.apply(image, rng=np.random.default_rng(0))
        expected = cv2.resize(image, size[::-1], interpolation=cv2.INTER_LINEAR).astype(int)
        assert np.abs(view - expected)[2:-2, 2:-2].max() <= 2

    def test_an_image_smaller_than_the_crop_lies_in_it_whole(self) -> None:
        weak = SegWeakAugment(crop_size=(50, 70), scale_range=(0.5, 0.5))
        origins = set()
        for seed in range(20):
            view, label, _ = weak.apply(np.full((40, 60, 3), 200, np.uint8), np.ones((40, 60), np.uint8),
                                        rng=np.random.default_rng(seed))
            assert (label == 1).sum() == 20 * 30 and (label == 255).sum() == 50 * 70 - 600
            assert (view[label == 1] == 200).all()
            away = cv2.dilate((label == 1).astype(np.uint8), np.ones((3, 3))) == 0
            assert (view[away] == 128).all()
            origins.add(np.unravel_index((label == 1).argmax(), label.shape))
        assert len(origins) > 10  # anywhere in the crop

    def test_scale_covers_its_range(self) -> None:
        weak = SegWeakAugment(crop_size=20, scale_range=(0.5, 2.0), flip_prob=0)
        scales = [weak.apply(scene(), rng=np.random.default_rng(seed))[2].matrix[1, 1] for seed in range(200)]
        assert 0.5 <= min(scales) < 0.55 and 1.95 < max(scales) <= 2.0

    def test_keys_are_those_of_mmcv(self) -> None:
        always, never = (SegWeakAugment((20, 30), scale_range=(1.5, 1.5), flip_prob=prob) for prob in (1, 0))
        results = always(dict(img=scene()))
        assert results['flip'] is True and results['flip_direction'] == 'horizontal'
        assert results['scale_factor'] == pytest.approx((1.5, 1.5)) and results['img_shape'] == (20, 30)
        results = never(dict(img=scene()))
        assert results['flip'] is False and results['flip_direction'] is None

    def test_predictions_come_back(self) -> None:
        weak = SegWeakAugment((33, 47), scale_range=(0.8, 1.7))
        image = cv2.blur(scene(), (7, 7))
        for seed in range(20):
            view, _, affine = weak.apply(image, rng=np.random.default_rng(seed))
            back, valid = affine.undo(torch.from_numpy(view).permute(2, 0, 1)[None].float())
            error = (back[0] - torch.from_numpy(image).permute(2, 0, 1)).abs()
            known = valid.numpy().copy()  # not where grey was mixed in, at the image's own rim
            known[:2] = known[-2:] = known[:, :2] = known[:, -2:] = False
            assert known.mean() > 0.1 and error[:, torch.from_numpy(known)].max() < 12
            assert error[:, torch.from_numpy(known)].mean() < 1

    @pytest.mark.parametrize('arguments', [
        dict(crop_size=0), dict(crop_size=(10, )), dict(crop_size=(10, 5.5)), dict(crop_size=(1, 2, 3)),
        dict(scale_range=(0, 1)), dict(scale_range=(2, 1)), dict(scale_range=(1, 2, 3)), dict(flip_prob=2)])
    def test_mistakes(self, arguments: dict) -> None:
        with pytest.raises(ValueError, match=f'SegWeakAugment: {next(iter(arguments))}=.*Allowed'):
            SegWeakAugment(**{'crop_size': 10, **arguments})
