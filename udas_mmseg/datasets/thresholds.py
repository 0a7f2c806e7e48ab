"""Confidence thresholds that select the pixels of a pseudo-label to keep, for all classes or for each class.

Confidences are stored in 8 bits, rounded down: c becomes floor(255 * c). With threshold t, a pixel is kept if its
stored confidence is at least 255 * t.
"""
from typing import Sequence, Union

import cv2
import numpy as np
import torch
from torch import Tensor

from .label_maps import IGNORE

LEVELS = 256  # stored confidences are 0-255
Thresholds = Union[float, Sequence[float], np.ndarray]


def encode_confidence(confidence: Tensor) -> np.ndarray:
    """Encode confidences in 8 bits, rounded down.

    Because of the rounding, a stored value of at least `t * 255` always means a confidence of at least t. If `t * 255`
    is an integer, as for UDAS's 0.6, the opposite is also true, so no confident pixel is lost.

    Args:
        confidence (Tensor): (H, W), highest probability of each pixel, in [0, 1].

    Returns:
        np.ndarray: (H, W) uint8, `floor(255 * confidence)`; 255 is 1.0.

    Raises:
        ValueError: if a value is not in [0, 1], or is not a number.
    """
    low, high = float(confidence.min()), float(confidence.max())
    if not (low >= 0 and high <= 1 + 1e-4):  # a sum of probabilities may exceed 1 by its rounding; nan is refused
        raise ValueError(f'confidences from {low} to {high}; they must be in [0, 1]. Is the checkpoint of a run whose '
                         'loss was not finite any more?')
    return (confidence.float() * 255).clamp(max=255).to(torch.uint8).cpu().numpy()


def lowest_kept(thresholds: Thresholds) -> np.ndarray:
    """Return the lowest stored confidences that are kept: 255 * t, rounded up.

    Args:
        thresholds (float | Sequence[float]): In [0, 1]; one for all classes, or (C, ).

    Returns:
        np.ndarray: uint8 of the same shape.

    Raises:
        ValueError: if a threshold is outside [0, 1].

    Example:
        >>> int(lowest_kept(0.6))
        153
    """
    values = np.asarray(thresholds, np.float64)
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError(f'threshold={np.asarray(thresholds).tolist()}: thresholds of the confidence are 0 (every '
                         'pixel is kept) to 1.')
    return np.ceil(255 * values - 1e-6).astype(np.uint8)  # 0.2 + 0.4 is a little more than 0.6


def keep_confident(label: np.ndarray, confidence: np.ndarray, thresholds: Thresholds) -> np.ndarray:
    """Set the pixels of a pseudo-label to 255 whose confidence is below the threshold of their class.

    Args:
        label (np.ndarray): (H, W) uint8 train ids in {0..C-1, 255}; 255 stays 255.
        confidence (np.ndarray): (H, W) uint8, 255 is 1.0.
        thresholds (float | Sequence[float]): In [0, 1]; one for all classes, or (C, ).

    Returns:
        np.ndarray: (H, W) uint8 in {0..C-1, 255}, a new array.
    """
    lowest = lowest_kept(thresholds)
    if lowest.ndim:
        table = np.zeros(LEVELS, np.uint8)
        table[:len(lowest)] = lowest
        lowest = cv2.LUT(label, table)
    return np.where(confidence >= lowest, label, np.uint8(IGNORE))


def confidence_histogram(label: np.ndarray, confidence: np.ndarray, num_classes: int) -> np.ndarray:
    """Count the pixels of each class and confidence.

    Args:
        label (np.ndarray): (H, W) uint8 in {0..C-1, 255}; 255 is not counted.
        confidence (np.ndarray): (H, W) uint8.
        num_classes (int): C.

    Returns:
        np.ndarray: (C, 256) int64.
    """
    joint = label.astype(np.int32) * LEVELS + confidence
    counts = np.bincount(joint.ravel(), minlength=LEVELS * LEVELS).reshape(LEVELS, LEVELS)
    return counts[:num_classes]


def class_balanced_thresholds(histogram: np.ndarray, portion: Union[float, np.ndarray],
                              max_threshold: float = 1.0) -> np.ndarray:
    """Return the thresholds that keep the same portion of every class, its most confident pixels.

    If M_c are the confidences of a class in descending order, its threshold exp(-k_c) is M_c[portion * |M_c|]. Pixels
    with the same stored confidence are kept together, so at least `portion` is kept. A class without pixels has the
    threshold `max_threshold`.

    In the paper, the thresholds also affect the class of a pixel, argmax p(c) / exp(-k_c). Here, the class is the
    stored one, which is the most probable one.

    Args:
        histogram (np.ndarray): (C, 256) number of pixels of each class and stored confidence.
        portion (float | np.ndarray): In (0, 1]; one for all classes, or (C, ).
        max_threshold (float): Upper limit of the thresholds. A class of which the teacher is confident therefore keeps
            more than its portion. Defaults to 1.

    Returns:
        np.ndarray: (C, ) float64 in [0, max_threshold].

    Source: Zou et al., Unsupervised domain adaptation for semantic segmentation via class-balanced self-training,
        ECCV 2018, section 4.1, algorithm 2.
    """
    kept = np.cumsum(histogram[:, ::-1], axis=1)[:, ::-1]  # pixels of each class at or above each confidence
    totals = kept[:, 0]
    wanted = np.maximum(1, np.asarray(portion, np.float64) * totals - 1e-6)
    thresholds = ((kept >= wanted[:, None]).sum(axis=1) - 1) / 255  # `kept` decreases: the last level with enough
    return np.where(totals > 0, np.minimum(thresholds, max_threshold), max_threshold)


def instance_adaptive_thresholds(histogram: np.ndarray, image_histogram: np.ndarray, portion: float, beta: float,
                                 gamma: float) -> np.ndarray:
    """Return thresholds for one image, which are a mean of those of the whole set and those of the image.

    theta_c = beta * g_c + (1 - beta) * i_c, where g_c keeps `portion` of the class in the whole set, and i_c keeps
    portion * g_c ** gamma of the class in this image. If the teacher is not confident of a class, i_c therefore keeps
    only its most confident pixels.

    In the paper, g_c is a running mean over the previous images that starts at 0.9, so a label depends on the order of
    the images. Here, g_c is computed on the whole set (`class_balanced_thresholds`), so the result depends only on the
    image and the set.

    Args:
        histogram (np.ndarray): (C, 256) number of pixels in the set, see `class_balanced_thresholds`.
        image_histogram (np.ndarray): (C, 256) number of pixels in the image.
        portion (float): In (0, 1]; the paper's alpha, 0.2.
        beta (float): Weight of the set in [0, 1]; 0.9 in the paper.
        gamma (float): At least 0; 8 in the paper.

    Returns:
        np.ndarray: (C, ) float64 in [0, 1].

    Source: Mei et al., Instance adaptive self-training for unsupervised domain adaptation, ECCV 2020, section 3.2.
    """
    of_set = class_balanced_thresholds(histogram, portion)
    of_image = class_balanced_thresholds(image_histogram, portion * of_set**gamma)
    return beta * of_set + (1 - beta) * of_image
