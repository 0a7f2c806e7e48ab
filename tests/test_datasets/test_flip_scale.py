"""Fixed views: each scale as it is and flipped."""
import numpy as np
import pytest

from udas_mmseg.datasets import SegFlipScale

IMAGE = np.random.default_rng(0).integers(0, 256, (8, 12, 3), dtype=np.uint8)
RNG = np.random.default_rng(0)


def test_views_are_each_scale_as_it_is_and_flipped() -> None:
    augment = SegFlipScale((1.0, 1.5))
    views = [augment.of_view(number).view(IMAGE, RNG)[0] for number in range(4)]
    assert np.array_equal(views[0], IMAGE) and np.array_equal(views[1], IMAGE[:, ::-1])
    assert [view.shape for view in views] == [(8, 12, 3)] * 2 + [(12, 18, 3)] * 2
    assert np.array_equal(views[3], views[2][:, ::-1])
    assert np.array_equal(views[2], augment.of_view(2).view(IMAGE, RNG)[0]), 'no chance is involved'


def test_a_flat_image_fills_the_larger_view() -> None:
    view, affine = SegFlipScale((1.0, 1.25)).of_view(2).view(np.full((8, 12, 3), 50, np.uint8), RNG)
    assert view.shape == (10, 15, 3) and affine.view_size == (10, 15)
    assert (view[1:-1, 1:-1] == 50).all()


@pytest.mark.parametrize('scales', [(), (1.25, 1.0), (1.0, 0.0)])
def test_other_scales_are_refused(scales: tuple) -> None:
    with pytest.raises(ValueError, match='the first of which is 1'):
        SegFlipScale(scales)
