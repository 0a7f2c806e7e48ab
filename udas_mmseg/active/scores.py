"""Scores that tell for each pixel how useful its label is."""
from typing import Optional, Sequence, Tuple

import cv2
import numpy as np
from mmengine.registry import Registry

from ..utils.randomness import key_generator

PIXEL_SCORES = Registry('pixel score', scope='mmseg', locations=['udas_mmseg.active.scores'])
NEVER = -np.inf  # score of a pixel that may not be selected


class PixelScore:
    """The usefulness of each pixel.

    The result may depend only on the arguments of the class and of the call.

    Example:
        >>> @PIXEL_SCORES.register_module()
        ... class LeastConfidence(PixelScore):
        ...     def __call__(self, probs, name):
        ...         return 1 - probs[0].max(axis=0)
    """

    maps = 1  # number of classifiers that are compared; with 1, several classifiers are replaced by their mean

    def __call__(self, probs: Sequence[np.ndarray], name: str) -> np.ndarray:
        """Return the scores of an image.

        Args:
            probs (Sequence[np.ndarray]): A probability map (C, H, W) float32 for each classifier.
            name (str): Name of the image.

        Returns:
            np.ndarray: (H, W) float; higher is more useful, and `NEVER` for pixels that may not be selected.
        """
        raise NotImplementedError


@PIXEL_SCORES.register_module()
class InconsistencyScore(PixelScore):
    """The inconsistency mask: pixels for which two classifiers predict different classes.

    The mask is all that the paper uses. In the mask, the score is the discrepancy of the classifiers, sum_c |p1_c -
    p2_c| in (0, 2], which orders pixels and regions when the budget does not suffice for all.

    Source: LabOR (Shin et al., ICCV 2021), the inconsistency mask.
    """

    maps = 2

    def __call__(self, probs: Sequence[np.ndarray], name: str) -> np.ndarray:
        """Return the scores of an image; see `PixelScore`."""
        first, second = probs[:2]
        differ = first.argmax(axis=0) != second.argmax(axis=0)
        return np.where(differ, np.abs(first - second).sum(axis=0), NEVER)


@PIXEL_SCORES.register_module()
class RandomScore(PixelScore):
    """Random numbers in [0, 1), which depend only on the seed, the name of the image and its size.

    Args:
        seed (int): The seed, 0 or more. Defaults to 0.
        cell (int): Side in pixels of the squares that have one number each. Above 1, regions can be selected at random.
            Defaults to 1.

    Raises:
        ValueError: if a value is outside its range.
    """

    def __init__(self, seed: int = 0, cell: int = 1) -> None:
        check_at_least(type(self).__name__, seed=(seed, 0), cell=(cell, 1))
        self.seed, self.cell = seed, cell

    def __call__(self, probs: Sequence[np.ndarray], name: str) -> np.ndarray:
        """Return the scores of an image; see `PixelScore`."""
        height, width = probs[0].shape[1:]
        cells = key_generator(self.seed, 'random score', name).random((-(-height // self.cell), -(-width // self.cell)))
        return cells.repeat(self.cell, axis=0).repeat(self.cell, axis=1)[:height, :width]


@PIXEL_SCORES.register_module()
class EntropyScore(PixelScore):
    """The entropy of the prediction, -sum_c p_c log p_c in [0, log C]."""

    def __call__(self, probs: Sequence[np.ndarray], name: str) -> np.ndarray:
        """Return the scores of an image; see `PixelScore`."""
        return entropy(probs[0])


@PIXEL_SCORES.register_module()
class MarginScore(PixelScore):
    """1 - (p_1 - p_2) in [0, 1], with the probabilities of the most probable and of the second most probable class."""

    def __call__(self, probs: Sequence[np.ndarray], name: str) -> np.ndarray:
        """Return the scores of an image; see `PixelScore`."""
        second, first = np.partition(probs[0], -2, axis=0)[-2:]
        return 1 - (first - second)


@PIXEL_SCORES.register_module()
class RegionImpurityScore(PixelScore):
    """Region impurity times mean prediction uncertainty, in [0, (log C)^2].

    For the window R of a pixel, (2k+1)x(2k+1) pixels without those outside of the image, with the share r_c of pixels
    in which class c is predicted:

        impurity = -sum_c r_c log r_c        uncertainty = 1/|R| sum_R entropy of the prediction

    Args:
        k (int): Radius of the window in pixels, 0 or more. Defaults to 1: windows of 3x3.

    Raises:
        ValueError: if `k` is outside its range.

    Source: RIPU (Xie et al., CVPR 2022), region impurity and prediction uncertainty.
    """

    def __init__(self, k: int = 1) -> None:
        check_at_least(type(self).__name__, k=(k, 0))
        self.k = k

    def __call__(self, probs: Sequence[np.ndarray], name: str) -> np.ndarray:
        """Return the scores of an image; see `PixelScore`."""
        label = probs[0].argmax(axis=0)
        pixels = self._sum(np.ones(label.shape, np.float32))
        impurity = np.zeros(label.shape, np.float32)
        for number in np.unique(label):  # the other classes have the share 0
            impurity += minus_log_times(self._sum((label == number).astype(np.float32)) / pixels)
        return impurity * self._sum(entropy(probs[0])) / pixels

    def _sum(self, values: np.ndarray) -> np.ndarray:
        """Sum (H, W) float32 over each window."""
        side = 2 * self.k + 1
        return cv2.boxFilter(values, cv2.CV_32F, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT)


def entropy(probs: np.ndarray) -> np.ndarray:
    """Return the entropy in nats of probabilities (C, H, W): (H, W) float32."""
    return minus_log_times(probs).sum(axis=0, dtype=np.float32)


def minus_log_times(share: np.ndarray) -> np.ndarray:
    """Return -x log x of numbers in [0, 1], 0 for x = 0."""
    return -share * np.log(np.maximum(share, np.finfo(np.float32).tiny))


def check_at_least(owner: str, **values: Tuple[int, int]) -> None:
    """Check that arguments are integers of at least a lowest value.

    Args:
        owner (str): Who has the arguments, for the message.
        **values (tuple[int, int]): Value and lowest allowed value of each argument.

    Raises:
        ValueError: if one is not.
    """
    for name, (value, lowest) in values.items():
        if not isinstance(value, int) or value < lowest:
            raise ValueError(f'{owner}: {name}={value!r}; allowed are integers of {lowest} or more.')


def score_image(score: PixelScore, probs: Sequence[np.ndarray], name: str,
                taken: Optional[np.ndarray] = None) -> np.ndarray:
    """Score an image.

    Args:
        score (PixelScore): The score.
        probs (Sequence[np.ndarray]): A probability map (C, H, W) float32 for each classifier.
        name (str): Name of the image.
        taken (np.ndarray, optional): (H, W) bool, pixels of earlier rounds, which are not selected again.

    Returns:
        np.ndarray: (H, W) float32.

    Raises:
        ValueError: if the model has too few classifiers, or `taken` has another size.
    """
    if len(probs) < score.maps:
        raise ValueError(f'{type(score).__name__} compares {score.maps} classifiers, but the model has {len(probs)}. '
                         'Train a pixel selector (docs/active_labeling.md), or choose a strategy for one classifier.')
    scores = np.asarray(score(probs if score.maps > 1 else [mean_map(probs)], name), np.float32)
    if taken is None:
        return scores
    if taken.shape != scores.shape:
        raise ValueError(f'{name}: earlier rounds have the shape {taken.shape}, but the image has {scores.shape} '
                         '(height, width). Use another folder for other images.')
    return np.where(taken, np.float32(NEVER), scores)


def mean_map(probs: Sequence[np.ndarray]) -> np.ndarray:
    """Return the mean of probability maps: (C, H, W)."""
    return probs[0] if len(probs) == 1 else np.stack(probs).mean(axis=0, dtype=np.float32)


def image_score(scores: np.ndarray) -> float:
    """Return the usefulness of a whole image: the mean of its scores, 0 for pixels that may not be selected."""
    return float(np.where(np.isfinite(scores), scores, 0).mean(dtype=np.float64))
