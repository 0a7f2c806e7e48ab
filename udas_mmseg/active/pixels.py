"""Choosing pixels of an image, and joining them to regions."""
from typing import List, Sequence, Tuple

import cv2
import numpy as np


def top_pixels(scores: np.ndarray, count: int) -> np.ndarray:
    """Return the pixels with the highest scores.

    Args:
        scores (np.ndarray): (H, W); pixels of -inf are never chosen.
        count (int): Number of pixels.

    Returns:
        np.ndarray: Flat indices, at most `count`, best first; of equal scores, the first ones in reading order.
    """
    flat = scores.ravel()
    allowed = np.flatnonzero(np.isfinite(flat))
    count = min(count, len(allowed))
    if not count:
        return allowed[:0]
    lowest = np.partition(flat[allowed], len(allowed) - count)[len(allowed) - count]
    close = allowed[flat[allowed] >= lowest]  # sorting all pixels would take long
    return close[np.argsort(-flat[close], kind='stable')][:count]


def class_regions(chosen: np.ndarray, scores: np.ndarray, label: np.ndarray,
                  min_pixels: int = 1) -> Tuple[np.ndarray, np.ndarray]:
    """Join pixels of one class that touch each other, also at a corner.

    Args:
        chosen (np.ndarray): (H, W) bool, the pixels.
        scores (np.ndarray): (H, W), their scores.
        label (np.ndarray): (H, W) integers, their predicted classes.
        min_pixels (int): Regions with fewer pixels are dropped. Defaults to 1.

    Returns:
        tuple: The numbers of the regions (H, W) int32, 0 outside of them, and the mean score (K,) of each region.
    """
    numbers, count = np.zeros(label.shape, np.int32), 0
    for predicted in np.unique(label[chosen]):
        found, parts = cv2.connectedComponents((chosen & (label == predicted)).astype(np.uint8), connectivity=8)
        numbers += np.where(parts > 0, parts + count, 0)
        count += found - 1
    pixels = np.bincount(numbers.ravel(), minlength=count + 1)
    kept = np.flatnonzero(pixels >= min_pixels)
    kept = kept[kept > 0]
    renumbered = np.zeros(count + 1, np.int32)
    renumbered[kept] = np.arange(1, len(kept) + 1)
    sums = np.bincount(numbers.ravel(), np.where(chosen, scores, 0).ravel(), minlength=count + 1)
    return renumbered[numbers], sums[kept] / pixels[kept]


def share_out(count: int, sizes: Sequence[int]) -> List[int]:
    """Share out points to classes evenly; if there is a rest, the larger classes get one more.

    Args:
        count (int): Number of points.
        sizes (Sequence[int]): Number of pixels of each class. A class gets at most one point for each pixel, and the
            others get what it cannot use. Of equal classes, the first one counts as larger.

    Returns:
        list[int]: Points of each class, `count` in all if there are as many pixels.

    Example:
        >>> share_out(8, [100, 0, 1, 50])
        [4, 0, 1, 3]
    """
    given = [0] * len(sizes)
    while True:
        able = [number for number, size in enumerate(sizes) if given[number] < size]
        left = count - sum(given)
        if not able or not left:
            return given
        each, rest = divmod(left, len(able))
        for rank, number in enumerate(sorted(able, key=lambda number: -sizes[number])):
            given[number] = min(sizes[number], given[number] + each + (rank < rest))


def cosine_to_mean(vectors: np.ndarray) -> np.ndarray:
    """Return the cosine similarity of vectors (C, P) to their mean: (P,)."""
    mean = vectors.mean(axis=1)
    return mean @ vectors / (np.linalg.norm(mean) * np.linalg.norm(vectors, axis=0))
