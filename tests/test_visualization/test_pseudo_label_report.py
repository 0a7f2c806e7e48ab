"""Pictures and tables of the report on pseudo-labels."""
import cv2
import numpy as np
import pytest

from udas_mmseg.visualization.pseudo_label_report import (
    CELL_WIDTH,
    class_rows,
    draw_confidence,
    draw_reliability,
    draw_samples,
)

PALETTE = [[200, 0, 0], [0, 200, 0]]


def decode(png: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)


def sample(**changes: object) -> dict:
    label = np.zeros((10, 20), np.uint8)
    return {**dict(name='a.png', image=np.full((10, 20, 3), 100, np.uint8), label=label, truth=None,
                   kept=np.full_like(label, 255), confidence=np.zeros_like(label)), **changes}


def test_a_row_has_image_label_confidence_and_what_is_kept() -> None:
    picture = draw_samples([sample()], ('road', 'car'), PALETTE)
    middle = [picture[80, 10 + (CELL_WIDTH + 6) * column].tolist() for column in range(4)]
    assert middle[0] == middle[3] == [100, 100, 100], 'nothing is kept: the image stays as it is'
    assert middle[1] == [0, 0, 200] and middle[2][0] > middle[2][2], 'no confidence is dark blue'
    kept = draw_samples([sample(kept=np.zeros((10, 20), np.uint8))], ('road', 'car'), PALETTE)
    assert kept[80, 10 + (CELL_WIDTH + 6) * 3].tolist() == [50, 50, 150]


def test_truth_is_a_fifth_picture() -> None:
    pictures = [draw_samples([sample(truth=truth)], ('road', 'car'), PALETTE)
                for truth in (None, np.ones((10, 20), np.uint8))]
    assert pictures[1].shape[1] == pictures[0].shape[1] + CELL_WIDTH + 6
    assert pictures[1][80, 10 + (CELL_WIDTH + 6) * 4].tolist() == [0, 200, 0]


@pytest.mark.parametrize('histogram', [np.zeros((2, 256), int), np.eye(2, 256, 100, int) * 1000])
def test_confidences_of_empty_and_of_sharp_sets_are_drawn(histogram: np.ndarray) -> None:
    assert decode(draw_confidence(histogram, ('road', 'car'), 0.6)).shape[1] == 960


def test_reliability_is_drawn() -> None:
    curve = [dict(threshold=0.0, coverage=1.0, accuracy=0.5), dict(threshold=1.0, coverage=0.0, accuracy=None)]
    calibrated, wrong = (draw_reliability([dict(confidence=0.9, accuracy=accuracy, share=1.0)], curve, 0.6)
                         for accuracy in (0.9, 0.1))
    assert decode(calibrated).shape == decode(wrong).shape and calibrated != wrong


def test_columns_that_nothing_is_known_for_are_left_out() -> None:
    road = dict(share=0.75, kept_share=1.0, kept=0.5, source_share=None)
    car = dict(share=0.25, kept_share=0.0, kept=None, source_share=None)
    assert class_rows(dict(classes=dict(road=road, car=car))) == [
        ['class', 'of all pixels', 'kept', 'of those kept'], ['road', '75.00', '50.00', '100.00'],
        ['car', '25.00', '-', '0.00']]
