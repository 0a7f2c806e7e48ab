"""Views of preprocessed batches: augmented as in pipelines or moved, and undone."""
import math
from typing import Any

import numpy as np
import pytest
import torch
from mmseg.models import SegDataPreProcessor

from udas_mmseg.datasets.transforms import AffineMap
from udas_mmseg.datasets.transforms.auto_augment import SegAutoAugment
from udas_mmseg.models.views import View, augmented_view, draw_view, identity_view, warp_batch

IMAGENET = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])


@pytest.mark.parametrize('options', [dict(IMAGENET, bgr_to_rgb=True), IMAGENET, dict(bgr_to_rgb=True), {}])
def test_views_are_those_of_the_pipelines(options: Any) -> None:
    preprocessor = SegDataPreProcessor(size=(36, 64), **options)
    pixels = np.random.default_rng(0).integers(0, 256, (6, 36, 64, 3), dtype=np.uint8)

    def preprocess(images: np.ndarray) -> torch.Tensor:
        packed = [torch.from_numpy(image.transpose(2, 0, 1).copy()) for image in images]
        return preprocessor(dict(inputs=packed, data_samples=None))['inputs']

    rng = np.random.default_rng(1)
    expected = [SegAutoAugment().apply(image, rng=rng) for image in pixels]
    view = augmented_view(preprocess(pixels), SegAutoAugment(), np.random.default_rng(1), preprocessor)
    assert torch.allclose(view.images, preprocess([image for image, _, _ in expected]), atol=1e-4)
    assert all(np.array_equal(ours.matrix, theirs.matrix) for ours, (_, _, theirs) in zip(view.maps, expected))
    assert len({affine.is_identity for affine in view.maps}) == 2  # with and without geometry


def test_the_policy_fills_a_small_part() -> None:
    images = torch.zeros(300, 3, 18, 32)
    view = augmented_view(images, SegAutoAugment(), np.random.default_rng(0))
    filled = 1 - torch.stack([affine.inverse().undo(images[:1])[1] for affine in view.maps]).float().mean(dim=(1, 2))
    assert 0.01 < float(filled.mean()) < 0.05 and float(filled.max()) < 0.22


def test_each_image_is_undone_by_its_own_map() -> None:
    images = torch.rand(2, 3, 4, 6)
    view = View(torch.cat([images[:1].flip(3), images[1:]]), [AffineMap.flip((4, 6)), AffineMap.shift((4, 6), 2, 0)])
    undone, valid = view.undo(view.images)
    assert torch.equal(undone[0], images[0]) and bool(valid[0].all())
    assert torch.allclose(undone[1, :, :, :4], images[1, :, :, 2:], atol=1e-5)
    assert valid[1, 0].tolist() == [True] * 4 + [False] * 2
    same, valid = identity_view(images).undo(images)
    assert torch.equal(same, images) and bool(valid.all())


def test_a_warped_batch_comes_back() -> None:
    rows, columns = torch.meshgrid(torch.arange(32.), torch.arange(48.), indexing='ij')
    images = torch.stack([torch.sin(rows / 6), torch.cos(columns / 7)])[None] + 2
    for seed in range(20):
        view = draw_view((32, 48), np.random.default_rng(seed))
        warped = warp_batch(view, images)
        back, valid = view.undo(warped)
        inner = valid & (view.undo((warped != 0).float())[0][0, 0] == 1)  # nothing of the border in it
        assert float(inner.float().mean()) > 0.2
        assert float((back - images)[:, :, inner].abs().max()) < 0.1
        shown = view.inverse().undo(torch.ones_like(images))[1]
        assert bool((warped[:, :, ~shown] == 0).all())


def test_moved_views_cover_the_ranges() -> None:
    views = [draw_view((20, 40), np.random.default_rng(seed)) for seed in range(300)]
    flipped = np.mean([np.linalg.det(view.matrix) < 0 for view in views])
    assert 0.4 < flipped < 0.6
    angles = [math.degrees(math.asin(np.clip(view.matrix[1, 0], -1, 1))) for view in views]
    assert max(abs(angle) for angle in angles) <= 30 and max(angles) > 20 and min(angles) < -20
