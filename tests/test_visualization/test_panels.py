"""Pictures of images beside their labels."""
from pathlib import Path

import numpy as np
import pytest

from udas_mmseg.visualization import add_legend, blend, colorize, grid, save_picture

PALETTE = [[255, 0, 0], [0, 255, 0]]  # RGB
LABEL = np.array([[0, 1, 255]], np.uint8)
IMAGE = np.full((1, 3, 3), 100, np.uint8)


def test_colors_are_bgr_and_ignored_pixels_black() -> None:
    assert colorize(LABEL, PALETTE).tolist() == [[[0, 0, 255], [0, 255, 0], [0, 0, 0]]]


def test_blend_leaves_ignored_pixels_alone() -> None:
    assert blend(IMAGE, LABEL, PALETTE, opacity=1.0).tolist() == [[[0, 0, 255], [0, 255, 0], [100, 100, 100]]]
    assert np.array_equal(blend(IMAGE, LABEL, PALETTE, opacity=0.0), IMAGE)


def test_grid_holds_every_cell_unchanged() -> None:
    cells = [[np.full((20, 30, 3), 10 * row + column, np.uint8) for column in range(2)] for row in range(3)]
    cells[1][1] = None
    picture = grid(cells, ['a', 'b'], ['x', 'y', 'z'], gap=4)
    for row, line in enumerate(cells):
        for column, cell in enumerate(line):
            top, left = 22 + 4 + (20 + 18 + 4) * row, 4 + 34 * column
            shown = picture[top:top + 20, left:left + 30]
            assert (shown == (255 if cell is None else cell[0, 0, 0])).all()


def test_a_caption_is_under_its_own_row() -> None:
    cells = [[np.zeros((20, 60, 3), np.uint8)], [np.zeros((50, 60, 3), np.uint8)]]
    picture = grid(cells, [], ['x', 'y'], gap=4)
    assert picture.shape[0] == 4 + (20 + 18 + 4) + (50 + 18 + 4)
    written = (picture != 255).any(axis=(1, 2))
    first, second = written[4 + 20:4 + 20 + 18], written[46 + 50:46 + 50 + 18]
    assert first.any() and second.any() and not written[4 + 20 + 18:46].any()


def test_legend_is_added_below() -> None:
    picture = np.zeros((10, 120, 3), np.uint8)
    result = add_legend(picture, ('road', 'sidewalk', 'building'), [[1, 2, 3]] * 3)
    assert result.shape[0] > 10 + 2 * 20 and result.shape[1] == 120  # too narrow for one line
    assert np.array_equal(result[:10], picture)
    assert (result == [3, 2, 1]).all(axis=2).sum() == 3 * 15 * 15


def test_picture_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match='nowhere'):
        save_picture(str(tmp_path / 'nowhere' / 'a.png'), IMAGE)
