"""Outlines of regions."""
import numpy as np
import pytest

from udas_mmseg.visualization import draw_outline

RED = (0, 0, 255)


def drawn(mask: np.ndarray, **arguments: object) -> np.ndarray:
    picture = np.full((*mask.shape, 3), 100, np.uint8)
    outlined = draw_outline(picture, mask, **arguments)
    assert (picture == 100).all() and outlined.shape == picture.shape and outlined.dtype == np.uint8
    return outlined


@pytest.mark.parametrize('kind', [bool, np.uint8, np.int64])
def test_line_lies_on_the_border_of_the_region_with_a_black_rim(kind: type) -> None:
    mask = np.zeros((20, 30), kind)
    mask[5:15, 8:22] = 1
    outlined = drawn(mask, color=RED)
    line = np.zeros(mask.shape, bool)
    line[5:15, 8:22] = True
    line[6:14, 9:21] = False
    np.testing.assert_array_equal((outlined == RED).all(axis=2), line)
    assert (outlined[4, 9:21] == 0).all() and (outlined[6, 10:20] == 0).all()  # seen on red ground, too
    assert (outlined[8:12, 11:19] == 100).all() and (outlined[:3] == 100).all() and (outlined[:, 25:] == 100).all()


def test_holes_have_outlines_and_regions_at_the_edge_are_closed() -> None:
    mask = np.ones((30, 40), np.uint8)
    mask[10:20, 15:25] = 0
    yellow = (drawn(mask) == (0, 255, 255)).all(axis=2)
    assert yellow[0].all() and yellow[:, -1].all()
    assert yellow[9, 15:25].all() and not yellow[10:20, 15:25].any()


def test_nothing_is_drawn_for_an_empty_mask() -> None:
    assert (drawn(np.zeros((9, 9), bool)) == 100).all()


def test_lines_are_as_wide_as_large_pictures_need() -> None:
    mask = np.zeros((1000, 1600), bool)
    mask[:, :800] = True
    counts = (drawn(mask, color=RED) == RED).all(axis=2)[500]
    assert 2 <= counts[700:900].sum() <= 3
