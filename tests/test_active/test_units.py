"""Points, regions and whole images, by hand on small cases."""
from typing import Any, List

import numpy as np
import pytest

from udas_mmseg.active.candidates import find_candidates
from udas_mmseg.active.pixels import share_out, top_pixels
from udas_mmseg.active.scores import PIXEL_SCORES, InconsistencyScore, PixelScore
from udas_mmseg.active.strategies import NAMES, build_strategy, named_strategy, strategy_settings
from udas_mmseg.active.units import ClassRegions, PrototypePoints, TopPoints, TopRegions, WholeImages

NEVER = -np.inf


class Given(PixelScore):
    """The scores of a test."""

    def __init__(self, scores: Any) -> None:
        self.scores = np.array(scores, np.float32)

    def __call__(self, probs: Any, name: str) -> np.ndarray:
        return self.scores


def one_hot(label: List[List[int]], classes: int = 3) -> np.ndarray:
    return np.moveaxis(np.eye(classes, dtype=np.float32)[np.array(label)], -1, 0)


def test_regions_are_connected_pixels_of_one_class_best_first() -> None:
    label = one_hot([[0, 0, 1, 1, 0], [0, 2, 1, 0, 0], [2, 2, 2, 2, 0]])
    scores = [[1, 1, 4, 4, 9], [NEVER, 3, 4, 9, NEVER], [NEVER, 3, NEVER, 2, 5]]
    found = find_candidates(Given(scores), ClassRegions(min_pixels=1), [label], 'a')
    # the two parts of class 2 do not touch; class 0 at the right is connected over corners
    assert found.numbers.tolist() == [[5, 5, 2, 2, 1], [0, 3, 2, 1, 0], [0, 3, 0, 4, 1]]
    assert found.usefulness == pytest.approx([23 / 3, 4, 3, 2, 1])
    assert [unit.predicted for unit in found.units] == [0, 1, 2, 2, 0]
    assert [unit.pixels for unit in found.units] == [3, 3, 2, 1, 2] and [unit.id for unit in found.units] == [
        1, 2, 3, 4, 5]
    for unit in found.units:
        assert found.numbers[unit.y, unit.x] == unit.id and unit.clicks >= 3
    small = find_candidates(Given(scores), ClassRegions(min_pixels=3), [label], 'a')
    assert small.numbers.max() == 2 and small.numbers.tolist()[0] == [0, 0, 2, 2, 1]


def test_segment_based_labels_are_the_inconsistency_mask() -> None:
    first = np.random.default_rng(0).random((3, 20, 30), np.float32)
    second = first[[1, 0, 2]]
    mask = first.argmax(0) != second.argmax(0)
    found = find_candidates(InconsistencyScore(), ClassRegions(min_pixels=1), [first, second], 'a')
    assert np.array_equal(found.numbers > 0, mask)


def test_prototypes_by_hand() -> None:
    # class 0: prototype (.7, .3), to which the second pixel is equal; class 1: one uncertain pixel
    probs = np.array([[[.9, .7, .5001, .2, .6], [.7, .1, .1, .1, .1]],
                      [[.1, .3, .4999, .8, .4], [.3, .9, .9, .9, .9]]], np.float32)
    scores = [[1, 1, 1, 1, NEVER], [1, NEVER, NEVER, NEVER, NEVER]]
    found = find_candidates(Given(scores), PrototypePoints(points_per_image=4), [probs], 'a')
    mean = np.array([.9 + .7 + .5001 + .7, .1 + .3 + .4999 + .3]) / 4
    cosine = [np.dot(mean, vector) / np.linalg.norm(mean) / np.linalg.norm(vector)
              for vector in ([.7, .3], [.7, .3], [.9, .1], [.5001, .4999])]
    places = [(unit.x, unit.y) for unit in found.units]
    # the first of each class, then the equal pixel (later in reading order), then the next
    assert places[:2] == [(3, 0), (1, 0)] and places[2:] == [(0, 1), (0, 0) if cosine[2] > cosine[3] else (2, 0)]
    assert found.usefulness == pytest.approx([1, cosine[0], cosine[1] - 1, max(cosine[2:]) - 2])
    assert [unit.predicted for unit in found.units] == [1, 0, 0, 0] and {unit.clicks for unit in found.units} == {1}


def test_points_lie_inside_of_the_mask_and_in_their_class() -> None:
    rng = np.random.default_rng(1)
    first, second = (rng.random((5, 24, 32), np.float32) for _ in range(2))
    mask, label = first.argmax(0) != second.argmax(0), (first + second).argmax(0)
    found = find_candidates(*build_strategy(named_strategy('ppl')), [first, second], 'a')
    assert len(found.units) == 40 and (found.numbers > 0).sum() == 40 and mask[found.numbers > 0].all()
    assert np.bincount([unit.predicted for unit in found.units]).tolist() == [8] * 5
    assert all(label[unit.y, unit.x] == unit.predicted for unit in found.units)
    again = find_candidates(*build_strategy(named_strategy('ppl')), [first, second], 'a')
    assert np.array_equal(found.numbers, again.numbers)


@pytest.mark.parametrize('count, sizes, expected', [
    (40, [100, 100, 100], [14, 13, 13]), (8, [100, 0, 1, 50], [4, 0, 1, 3]), (2, [5, 9, 7], [0, 1, 1]),
    (10, [2, 3], [2, 3]), (3, [], []), (5, [0, 0], [0, 0])])
def test_points_are_shared_out_evenly(count: int, sizes: List[int], expected: List[int]) -> None:
    assert share_out(count, sizes) == expected


def test_top_pixels_are_sorted_with_equal_ones_in_reading_order() -> None:
    scores = np.array([[2, 5, NEVER], [5, 2, 7]])
    assert top_pixels(scores, 4).tolist() == [5, 1, 3, 0] and len(top_pixels(scores, 9)) == 5
    assert top_pixels(np.full((2, 2), NEVER), 3).tolist() == []


def test_top_points_and_top_regions() -> None:
    scores, label = np.arange(20.).reshape(4, 5), one_hot([[0] * 5, [0] * 5, [0, 0, 0, 1, 1], [0, 0, 0, 1, 1]])
    points = find_candidates(Given(scores), TopPoints(3), [label], 'a')
    assert [(unit.x, unit.y) for unit in points.units] == [(4, 3), (3, 3), (2, 3)]
    regions = find_candidates(Given(scores), TopRegions(share=0.3, min_pixels=2), [label], 'a')
    assert regions.numbers.tolist() == [[0] * 5, [0] * 5, [0, 0, 0, 0, 1], [2, 2, 2, 1, 1]]


def test_whole_images_without_what_was_answered() -> None:
    label = one_hot([[0, 0], [1, 1]])
    found = find_candidates(Given([[1, NEVER], [1, 3]]), WholeImages(), [label], 'a')
    assert found.numbers.tolist() == [[1, 1], [1, 1]] and found.usefulness == [1.25] and found.score == 1.25
    assert found.units[0].clicks == 6 and found.units[0].predicted == 255  # two lines have three clicks each
    taken = np.array([[True, False], [False, False]])
    assert find_candidates(Given([[1, 1], [1, 3]]), WholeImages(), [label], 'a', taken).numbers.tolist() == [
        [0, 1], [1, 1]]
    assert find_candidates(Given([[1, 1], [1, 3]]), WholeImages(), [label], 'a', taken | True).units == []


@pytest.mark.parametrize('name', NAMES)
@pytest.mark.parametrize('unit', [None, 'points', 'regions', 'images'])
def test_every_strategy_selects_something_once(name: str, unit: str) -> None:
    if unit is not None and dict(spl='regions', ppl='points').get(name, unit) != unit:
        with pytest.raises(ValueError, match='selects'):
            named_strategy(name, unit)
        return
    rng = np.random.default_rng(2)
    maps = [rng.random((3, 6, 8), np.float32).repeat(8, 1).repeat(8, 2) for _ in range(2)]
    found = find_candidates(*build_strategy(named_strategy(name, unit)), maps, 'a')
    counts = np.bincount(found.numbers.ravel())
    assert len(found.units) == len(counts) - 1 > 0 and [unit.pixels for unit in found.units] == counts[1:].tolist()
    assert found.usefulness == sorted(found.usefulness, reverse=True)


def test_a_new_strategy_is_a_class_and_a_config() -> None:
    @PIXEL_SCORES.register_module(force=True)
    class LeastConfidence(PixelScore):
        def __call__(self, probs: Any, name: str) -> np.ndarray:
            return 1 - probs[0].max(axis=0)

    settings = dict(score=dict(type='LeastConfidence'), units=dict(type='TopPoints', points_per_image=1))
    found = find_candidates(*build_strategy(strategy_settings(settings)), [np.array([[[.9, .6]], [[.1, .4]]])], 'a')
    assert [(unit.x, unit.y) for unit in found.units] == [(1, 0)] and found.usefulness == pytest.approx([0.4])


@pytest.mark.parametrize('strategy, message', [
    ('best', "strategy='best': allowed are .'spl', 'ppl', 'random'"), (dict(score=1), 'two entries'),
    (dict(score=dict(type='Best'), units=dict(type='TopPoints')), r"score=\{'type': 'Best'\} cannot be built"),
    (dict(score=dict(type='EntropyScore'), units=dict(type='TopPoints', points=4)), 'points'),
    (dict(score=dict(type='EntropyScore'), units=dict(type='TopRegions', share=2)), 'above 0 and at most 1'),
    (dict(score=dict(type='EntropyScore'), units=dict(type='TopPoints', points_per_image=0)), 'of 1 or more')])
def test_wrong_strategies_are_refused(strategy: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_strategy(strategy_settings(strategy))
