"""Image, label and predictions go into a view and back along the same map."""
from typing import Tuple

import cv2
import numpy as np
import pytest
import torch

from udas_mmseg.datasets.transforms import AffineMap
from udas_mmseg.datasets.transforms.augment_ops import GEOMETRY, RANGES, value_at

SIZES = [(40, 64), (41, 64), (63, 40), (33, 33)]
FLIPS = [(0, ), (1, ), (0, 1)]


def smooth(size: Tuple[int, int], channels: int = 3) -> np.ndarray:
    """(H, W, C) float32 in [0.1, 0.9]: waves long enough to be interpolated, different in each channel."""
    y, x = np.mgrid[:size[0], :size[1]].astype(np.float32)
    waves = [np.sin(x / (7 + i) + i) * np.cos(y / (9 - i) - i) for i in range(channels)]
    return np.stack(waves, -1) * np.float32(0.4) + np.float32(0.5)


def blocks(size: Tuple[int, int]) -> np.ndarray:
    """(H, W) uint8: blocks of ids 3 to 8, and 255."""
    coarse = np.random.default_rng(0).choice(np.array([3, 4, 5, 6, 7, 8, 255], np.uint8), (-(-size[0] // 8),
                                                                                           -(-size[1] // 8)))
    return np.kron(coarse, np.ones((8, 8), np.uint8))[:size[0], :size[1]]


def as_probs(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image).permute(2, 0, 1)[None]


def inside(affine: AffineMap, margin: float) -> np.ndarray:
    """(H, W): pixels of the original that are so far within the view, computed from the matrix."""
    y, x = np.mgrid[:affine.size[0], :affine.size[1]]
    there = affine.matrix[:2] @ np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
    limits = np.array(affine.view_size[::-1])[:, None] - 0.5
    return ((there > margin - 0.5) & (there < limits - margin)).all(0).reshape(affine.size)


def interior(affine: AffineMap, margin: int = 2) -> np.ndarray:
    """(H, W): pixels to which nothing from outside of either frame was mixed on the way into the view and back."""
    within = inside(affine, margin)
    within[:margin] = within[-margin:] = within[:, :margin] = within[:, -margin:] = False
    return within


def maps(size: Tuple[int, int]) -> dict:
    return {
        f'{name} {share} {sign}': GEOMETRY[name](size, value_at(name, share, sign))
        for name in GEOMETRY for share in (0.1, 0.5, 1) for sign in (-1, 1)
    }


@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize('name', maps((8, 8)))
class TestEveryOperation:

    def test_image_and_label_come_back(self, name: str, size: Tuple[int, int]) -> None:
        affine = maps(size)[name]
        image, label = smooth(size), blocks(size)
        back = affine.inverse().warp_image(affine.warp_image(image, 0.5), 0.5)
        deep = interior(affine)
        assert deep.mean() > 0.2
        np.testing.assert_allclose(back[deep], image[deep], atol=0.03)
        flat = cv2.erode(label, np.ones((5, 5))) == cv2.dilate(label, np.ones((5, 5)))  # away from borders of ids
        back_label = affine.inverse().warp_label(affine.warp_label(label))
        assert (flat & deep).sum() > 50
        np.testing.assert_array_equal(back_label[flat & deep], label[flat & deep])

    def test_probabilities_are_brought_back(self, name: str, size: Tuple[int, int]) -> None:
        affine = maps(size)[name]
        image = smooth(size, 5)
        view = np.dstack([affine.warp_image(np.ascontiguousarray(image[:, :, i]), 0) for i in range(5)])
        probs, valid = affine.undo(as_probs(view))
        assert probs.shape == (1, 5, *size) and valid.shape == size and valid.dtype == torch.bool
        deep = torch.from_numpy(interior(affine))
        expected = as_probs(image)
        assert (probs - expected)[..., deep].abs().max() < 0.03
        # Half a pixel elsewhere would be noticed: the waves are that steep.
        assert (probs.roll(1, -1) - expected)[..., deep].abs().max() > 0.05
        assert (probs.roll(1, -2) - expected)[..., deep].abs().max() > 0.03

    def test_pixels_that_left_the_frame_are_invalid(self, name: str, size: Tuple[int, int]) -> None:
        affine = maps(size)[name]
        _, valid = affine.undo(torch.zeros(1, 1, *size))
        assert valid[torch.from_numpy(inside(affine, 1e-3))].all()
        assert not valid[torch.from_numpy(~inside(affine, -1e-3))].any()
        # The label says the same: what comes from outside is 255, in the view and after it.
        arrived = affine.inverse().warp_label(affine.warp_label(np.zeros(size, np.uint8))) == 0
        assert arrived[interior(affine)].all() and valid[torch.from_numpy(interior(affine))].all()
        assert not arrived[~inside(affine, -1)].any()

    def test_labels_get_no_new_values(self, name: str, size: Tuple[int, int]) -> None:
        affine = maps(size)[name]
        label = np.where(blocks(size) == 255, 9, blocks(size)).astype(np.uint8)
        found = set(np.unique(affine.warp_label(label)))
        assert found <= set(np.unique(label)) | {255}
        assert (255 in found) == (not inside(affine.inverse(), 0).all())

    def test_image_and_label_move_together(self, name: str, size: Tuple[int, int]) -> None:
        affine = maps(size)[name]
        label = np.zeros(size, np.uint8)
        label[size[0] // 2 - 6:size[0] // 2 + 7, size[1] // 2 - 4:size[1] // 2 + 5] = 1
        view = affine.warp_image(label * np.uint8(200), 0)
        moved = affine.warp_label(label)
        # Half way across an edge is 100, and a corner's nearest quarter 50; OpenCV rounds positions a little.
        assert ((view > 106) <= (moved == 1)).all() and ((view < 44) <= (moved != 1)).all()
        assert (moved == 1).sum() > 40


@pytest.mark.parametrize('size', SIZES)
@pytest.mark.parametrize('axes', FLIPS)
def test_flips_are_exact(size: Tuple[int, int], axes: Tuple[int, ...]) -> None:
    affine = AffineMap.flip(size, axes)
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    last = np.array([size[1] - 1 if 1 in axes else 0, size[0] - 1 if 0 in axes else 0, 1])
    np.testing.assert_array_equal(affine.matrix @ (0, 0, 1), last)  # the first pixel is the last one
    view, label = affine.warp_image(noise, 128), affine.warp_label(noise[:, :, 0])
    np.testing.assert_array_equal(view, np.flip(noise, axes))
    np.testing.assert_array_equal(label, np.flip(noise[:, :, 0], axes))
    np.testing.assert_array_equal(affine.inverse().warp_image(view, 128), noise)
    assert affine.then(affine).is_identity and affine.then(affine.inverse()).is_identity
    probs = torch.rand(2, 4, *size)
    back, valid = affine.undo(probs.flip([axis - 2 for axis in axes]))
    assert torch.equal(back, probs) and valid.all()


def test_the_identity_is_free() -> None:
    affine = AffineMap.identity((5, 7))
    image, label, probs = smooth((5, 7)), blocks((5, 7)), torch.rand(1, 2, 5, 7)
    assert affine.warp_image(image, 0) is image and affine.warp_label(label) is label
    back, valid = affine.undo(probs)
    assert back is probs and valid.shape == (5, 7) and valid.all()
    assert AffineMap.shift((5, 7), 0, 0).is_identity and not AffineMap.shift((5, 7), 1, 0).is_identity
    assert not AffineMap(np.eye(3), (5, 7), (5, 8)).is_identity


def test_a_shift_by_whole_pixels_is_exact() -> None:
    size = (6, 9)
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    affine = AffineMap.shift(size, 3, -2)
    view = affine.warp_image(noise, 128)
    np.testing.assert_array_equal(view[:4, 3:], noise[2:, :6])
    assert (view[4:] == 128).all() and (view[:, :3] == 128).all()
    label = affine.warp_label(noise[:, :, 0] // 2)
    np.testing.assert_array_equal(label[:4, 3:], noise[2:, :6, 0] // 2)
    assert (label[4:] == 255).all() and (label[:, :3] == 255).all()
    probs = torch.rand(2, 4, *size)
    back, valid = affine.undo(probs)
    torch.testing.assert_close(back[..., 2:, :6], probs[..., :4, 3:], atol=1e-5, rtol=0)
    expected = torch.zeros(size, dtype=torch.bool)
    expected[2:, :6] = True
    assert torch.equal(valid, expected)


@pytest.mark.parametrize('scale', [2.0, 0.5, 1.5])
def test_undo_agrees_with_opencv_when_sizes_differ(scale: float) -> None:
    size = (40, 60)
    matrix = np.diag([scale, scale, 1.0])
    matrix[:2, 2] = (scale - 1) / 2
    affine = AffineMap(matrix, size, (round(40 * scale), round(60 * scale)))
    image = smooth(size)
    view = affine.warp_image(image, 0.5)
    resized = cv2.resize(image, view.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    np.testing.assert_allclose(view[1:-1, 1:-1], resized[1:-1, 1:-1], atol=0.02)
    probs, valid = affine.undo(as_probs(resized))
    assert valid.all()  # also at the rim, where a view that is smaller has no pixel centre any more
    assert probs.shape == (1, 3, 40, 60)
    assert (probs - as_probs(image)).abs().max() < 0.05
    inverse = affine.inverse().warp_image(resized, 0.5)
    torch.testing.assert_close(probs[..., 2:-2, 2:-2], as_probs(inverse)[..., 2:-2, 2:-2], atol=0.02, rtol=0)


def test_undo_of_random_maps_is_what_opencv_samples() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        size, view_size = (30, 45), (41, 36)
        matrix = np.eye(3)
        matrix[:2] += rng.uniform(-0.25, 0.25, (2, 3)) * (1, 1, 12)
        affine = AffineMap(matrix, size, view_size)
        view = smooth(view_size)
        probs, valid = affine.undo(as_probs(view))
        expected = cv2.warpAffine(view, matrix[:2], size[::-1], flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                                  borderMode=cv2.BORDER_REPLICATE)
        assert 0 < valid.float().mean() < 1
        assert (probs - as_probs(expected))[..., valid].abs().max() < 0.01  # OpenCV rounds positions to 1/32 pixel


def test_maps_are_composed_in_order() -> None:
    size = (21, 30)
    turn, shift = GEOMETRY['Rotate'](size, 20), AffineMap.shift(size, 5, 2)
    both = turn.then(shift)
    point = np.array([12, 4, 1])
    np.testing.assert_allclose(both.matrix @ point, turn.matrix @ point + (5, 2, 0))
    assert not np.allclose(both.matrix, shift.then(turn).matrix)
    np.testing.assert_allclose(both.then(both.inverse()).matrix, np.eye(3), atol=1e-12)
    wider = AffineMap(np.eye(3), size, (21, 50))
    assert turn.then(wider).size == size and turn.then(wider).view_size == (21, 50)
    assert turn.then(wider).inverse().size == (21, 50)


def test_rotation_is_counterclockwise() -> None:
    image = np.zeros((21, 21), np.uint8)
    image[10, 18] = 255  # to the right of the centre
    assert np.unravel_index(GEOMETRY['Rotate']((21, 21), 90).warp_image(image).argmax(), (21, 21)) == (2, 10)


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16, torch.float64])
def test_undo_keeps_the_type_and_is_as_exact_as_it_can_be(dtype: torch.dtype) -> None:
    affine = GEOMETRY['Rotate']((40, 300), 7)
    probs = torch.rand(1, 2, 40, 300)
    result, valid = affine.undo(probs.to(dtype))
    reference, reference_valid = affine.undo(probs)
    assert result.dtype == dtype and torch.equal(valid, reference_valid)
    torch.testing.assert_close(result.float(), reference, atol=0.01 if dtype != torch.float64 else 1e-4, rtol=0)


def test_gradients_come_back_through_undo() -> None:
    probs = torch.rand(1, 2, 12, 16, requires_grad=True)
    result, valid = GEOMETRY['Rotate']((12, 16), 10).undo(probs)
    result[..., valid].sum().backward()
    assert probs.grad is not None and probs.grad[..., 6, 8].min() > 0.5


def test_constants_stay_constant() -> None:
    affine = GEOMETRY['Rotate']((12, 16), 30)
    probs, _ = affine.undo(torch.full((1, 3, 12, 16), 0.25))
    torch.testing.assert_close(probs, torch.full((1, 3, 12, 16), 0.25))  # no dark rim, no zeros outside


class TestMistakes:

    @pytest.mark.parametrize('matrix', [np.eye(2), np.zeros((3, 3)), np.diag([1, 0, 1.0]), np.full((3, 3), np.nan),
                                        [[1, 0, 0], [0, 1, 0], [0.1, 0, 1]]])
    def test_not_affine(self, matrix: np.ndarray) -> None:
        with pytest.raises(ValueError, match='invertible 3x3'):
            AffineMap(matrix, (4, 5), (4, 5))

    def test_no_pixels(self) -> None:
        with pytest.raises(ValueError, match='0x5'):
            AffineMap(np.eye(3), (0, 5), (4, 5))

    def test_sizes(self) -> None:
        affine = AffineMap.shift((4, 5), 1, 0)
        with pytest.raises(ValueError, match='5x4 .*4x5 is needed'):
            affine.warp_image(np.zeros((5, 4, 3), np.uint8))
        with pytest.raises(ValueError, match='5x4 .*4x5 is needed'):
            affine.warp_label(np.zeros((5, 4), np.uint8))
        with pytest.raises(ValueError, match='5x4 .*4x5 is needed'):
            affine.then(AffineMap.identity((5, 4)))
        with pytest.raises(ValueError, match='probabilities are 2x3 .*4x5 is needed'):
            affine.undo(torch.zeros(1, 2, 2, 3))
        with pytest.raises(ValueError, match=r'\(2, 4, 5\).*\(N, C, H, W\)'):
            affine.undo(torch.zeros(2, 4, 5))

    def test_the_matrix_cannot_be_changed(self) -> None:
        mine = np.eye(3)
        affine = AffineMap(mine, (4, 5), (4, 5))
        mine[0, 2] = 7
        assert affine.is_identity
        with pytest.raises(ValueError, match='read-only'):
            affine.matrix[0, 2] = 1


def test_ranges_name_geometry() -> None:
    assert set(GEOMETRY) <= set(RANGES)
