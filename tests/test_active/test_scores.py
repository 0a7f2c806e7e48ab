"""Scores of pixels, by hand or against the written equation."""
import math
from typing import List

import numpy as np
import pytest

from udas_mmseg.active.scores import (
    PIXEL_SCORES,
    EntropyScore,
    InconsistencyScore,
    MarginScore,
    PixelScore,
    RandomScore,
    RegionImpurityScore,
    image_score,
    score_image,
)


def row(*pixels: List[float]) -> np.ndarray:
    """Probabilities (C, 1, W) of the pixels of a row."""
    return np.array(pixels, np.float32).T[:, None]


def random_probs(seed: int, classes: int = 4, height: int = 6, width: int = 7) -> np.ndarray:
    logits = np.random.default_rng(seed).normal(size=(classes, height, width)) * 2
    return (np.exp(logits) / np.exp(logits).sum(0)).astype(np.float32)


def test_inconsistency_is_where_the_predicted_classes_differ() -> None:
    first, second = row([.9, .1, 0], [.9, .1, 0], [.2, .3, .5]), row([.6, .4, 0], [.4, .6, 0], [.3, .3, .4])
    scores = score_image(InconsistencyScore(), [first, second], 'a')
    assert scores[0, 1] == pytest.approx(1.0) and scores[0, [0, 2]].tolist() == [-np.inf, -np.inf]
    assert image_score(scores) == pytest.approx(1 / 3)


def test_entropy_and_margin() -> None:
    probs = row([1, 0, 0], [.5, .5, 0], [.7, .2, .1])
    assert score_image(EntropyScore(), [probs], 'a')[0] == pytest.approx(
        [0, math.log(2), -(.7 * math.log(.7) + .2 * math.log(.2) + .1 * math.log(.1))])
    assert score_image(MarginScore(), [probs], 'a')[0] == pytest.approx([0, 1, 0.5])


def test_scores_of_one_map_use_the_mean_of_the_classifiers() -> None:
    assert score_image(MarginScore(), [row([1, 0]), row([0, 1])], 'a')[0] == pytest.approx([1])


@pytest.mark.parametrize('k', [0, 1, 2])
def test_region_impurity_is_the_equation(k: int) -> None:
    probs = random_probs(k)
    label, (height, width) = probs.argmax(0), probs.shape[1:]
    expected = np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            window = slice(max(0, y - k), y + k + 1), slice(max(0, x - k), x + k + 1)
            shares = np.bincount(label[window].ravel()) / label[window].size
            impurity = -sum(share * math.log(share) for share in shares if share)
            inside = probs[(slice(None), *window)].astype(np.float64)
            expected[y, x] = impurity * -(inside * np.log(inside)).sum() / label[window].size
    assert np.allclose(score_image(RegionImpurityScore(k=k), [probs], 'a'), expected, atol=1e-5)
    assert (expected > 0).any() == (k > 0)


def test_random_scores_depend_on_seed_and_name() -> None:
    probs = random_probs(0)

    def scores(name: str = 'a', **settings: int) -> np.ndarray:
        return score_image(RandomScore(**settings), [probs], name)

    assert np.array_equal(scores(), scores()) and len(np.unique(scores())) == 42
    assert not np.array_equal(scores(), scores('b')) and not np.array_equal(scores(), scores(seed=1))
    squares = scores(cell=4)
    assert squares.shape == (6, 7) and len(np.unique(squares)) == 4 and (squares[:4, :4] == squares[0, 0]).all()


def test_pixels_of_earlier_rounds_are_never_selected() -> None:
    taken = np.array([[True, False, False]])
    scores = score_image(EntropyScore(), [row([.5, .5], [.5, .5], [1, 0])], 'a', taken)
    assert np.isfinite(scores[0]).tolist() == [False, True, True]
    with pytest.raises(ValueError, match=r'a: earlier rounds have the shape \(1, 3\), but the image has \(6, 7\)'):
        score_image(EntropyScore(), [random_probs(0)], 'a', taken)


def test_one_classifier_has_no_inconsistency() -> None:
    with pytest.raises(ValueError, match='InconsistencyScore compares 2 classifiers, but the model has 1'):
        score_image(InconsistencyScore(), [random_probs(0)], 'a')


@pytest.mark.parametrize('build, message', [
    (lambda: RandomScore(seed=-1), 'RandomScore: seed=-1; allowed are integers of 0 or more'),
    (lambda: RandomScore(cell=0), 'cell=0'),
    (lambda: RegionImpurityScore(k=0.5), 'RegionImpurityScore: k=0.5'),  # type: ignore[arg-type]
])
def test_wrong_settings_are_refused(build: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()  # type: ignore[operator]


@pytest.mark.parametrize('name', sorted(PIXEL_SCORES.module_dict))
def test_every_score_is_finite_for_certain_predictions(name: str) -> None:
    certain = np.zeros((3, 4, 5), np.float32)
    certain[1] = 1
    other = certain[[0, 2, 1]]
    score: PixelScore = PIXEL_SCORES.build(dict(type=name))
    scores = score_image(score, [certain, other], 'a')
    assert scores.shape == (4, 5) and scores.dtype == np.float32 and np.isfinite(scores).all()
