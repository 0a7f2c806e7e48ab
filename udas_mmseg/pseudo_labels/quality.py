"""Scores of pseudo-labels, without ground truth and with it.

All functions use counts: of pixels by class and stored confidence (`confidence_histogram` of a set's index) or, with
ground truth, of pixels by predicted class, true class and stored confidence.
"""
import os.path as osp
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from ..datasets.label_maps import IGNORE
from ..datasets.pseudo_label_set import list_labels, read_pseudo_label, set_histogram
from ..datasets.thresholds import LEVELS, Thresholds, keep_confident, lowest_kept
from ..utils.progress import Progress

Counts = np.ndarray  # (C, C, 256): pixels by predicted class, true class and stored confidence


class CollapsedPseudoLabels(ValueError):  # noqa: N818, the name describes the problem
    """A student cannot learn from pseudo-labels: almost no pixels are kept, or almost all are of one class."""


def kept_pixels(index: Mapping[str, Any], thresholds: Thresholds) -> Tuple[np.ndarray, np.ndarray]:
    """Count the pixels of each class in a set, and those that are kept.

    Args:
        index (Mapping): Content of `index.json`.
        thresholds (float | Sequence[float]): Confidence thresholds in [0, 1]; one for all classes, or one for each.

    Returns:
        tuple[np.ndarray, np.ndarray]: pixels and kept pixels, both (C, ) int64.

    Raises:
        ValueError: if the index has no histogram of the confidences.
    """
    histogram = set_histogram(index)
    if histogram is None:
        raise ValueError('the index has no `confidence_histogram`, because an older version wrote these pseudo-labels. '
                         'Label the images again with tools/pseudo_label.py --overwrite.')
    return histogram.sum(axis=1), np.where(_is_kept(thresholds), histogram, 0).sum(axis=1)


def coverage(index: Mapping[str, Any], thresholds: Thresholds) -> Dict[str, float]:
    """Compute the kept share of each class's pixels, in [0, 1]; 0 for a class without pixels. See `kept_pixels`."""
    total, kept = kept_pixels(index, thresholds)
    return dict(zip(index['classes'], _ratio(kept, total).tolist()))


def overall_coverage(index: Mapping[str, Any], thresholds: Thresholds) -> float:
    """Compute the kept share of all pixels, in [0, 1]. See `kept_pixels`."""
    total, kept = kept_pixels(index, thresholds)
    return float(_ratio(kept.sum(), total.sum()))


def check_pseudo_labels(index: Mapping[str, Any],
                        threshold: Thresholds = 0.6,
                        min_coverage: float = 0.01,
                        max_class_share: float = 0.99) -> None:
    """Check that a student can learn from a set.

    Args:
        index (Mapping): Content of `index.json`.
        threshold (float | Sequence[float]): Confidence threshold; one for all classes, or one for each. Defaults to
            0.6.
        min_coverage (float): Smallest share of the pixels that must be kept. Defaults to 0.01.
        max_class_share (float): Largest share of the kept pixels that a class may have. Defaults to 0.99.

    Raises:
        CollapsedPseudoLabels: if the set does not meet these limits; the message has the table of coverage.
    """
    total, kept = kept_pixels(index, threshold)
    covered, problem = float(_ratio(kept.sum(), total.sum())), ''
    if covered < min_coverage or not kept.any():
        problem = (f'{_percent(covered)} % of the pixels have a confidence of at least {threshold}; '
                   f'min_coverage={min_coverage} requires {_percent(min_coverage)} %')
    elif kept.max() > max_class_share * kept.sum():
        name = index['classes'][int(kept.argmax())]
        problem = (f'{_percent(kept.max() / kept.sum())} % of the pixels that are kept are {name}; '
                   f'max_class_share={max_class_share} allows {_percent(max_class_share)} %')
    if problem:
        raise CollapsedPseudoLabels(
            f'the pseudo-labels have collapsed: {problem}. Is the teacher trained, and for these classes? A lower '
            f'threshold keeps more pixels.\n\n{markdown_coverage(index, threshold)}')


def markdown_coverage(index: Mapping[str, Any], threshold: Thresholds = 0.6) -> str:
    """Format a table of the classes, in percent: share of all pixels, kept share of the class, share of kept pixels."""
    total, kept = kept_pixels(index, threshold)
    columns = (_ratio(total, total.sum()), _ratio(kept, total), _ratio(kept, kept.sum()))
    lines = ['| class | of all pixels | kept | of those kept |', '| --- | --- | --- | --- |']
    lines += [f'| {name} | ' + ' | '.join(map(_percent, values)) + ' |'
              for name, *values in zip(index['classes'], *columns)]
    lines.append(f'| all | 100.00 | {_percent(float(_ratio(kept.sum(), total.sum())))} | 100.00 |')
    return '\n'.join(lines) + '\n'


def label_change(old_dir: str, new_dir: str, threshold: Thresholds = 0.6, workers: int = 2) -> float:
    """Measure how much pseudo-labels have changed between two sets.

    Args:
        old_dir (str): Folder of a set.
        new_dir (str): Folder of a later set of the same images. If only one set has a label, its pixels count as not
            kept in the other set.
        threshold (float | Sequence[float]): Confidence threshold. Defaults to 0.6.
        workers (int): Number of threads. Defaults to 2.

    Returns:
        float: Of the pixels that at least one set keeps, the share in [0, 1] whose class differs or that only one set
            keeps; 0 if nothing is kept.

    Raises:
        SampleError: if a file is broken, or an image has different sizes in the two sets.
        ValueError: if the sets have no image in common.
    """
    old, new = (set(list_labels(folder)) for folder in (old_dir, new_dir))
    if not old & new:
        raise ValueError(f'{old_dir} and {new_dir} have no image in common ({len(old)} and {len(new)} images). Use '
                         'two sets of pseudo-labels of the same images.')
    names, progress = sorted(old | new), Progress('comparing labels', len(old | new))

    def count(name: str) -> Tuple[int, int]:
        labels = [_read_kept(osp.join(folder, name), threshold) if name in found else None
                  for folder, found in ((old_dir, old), (new_dir, new))]
        return count_changes(labels[0], labels[1], name)

    changed = kept = 0
    with ThreadPoolExecutor(max(1, workers)) as pool:
        for done, (one, both) in enumerate(pool.map(count, names), 1):
            changed, kept = changed + one, kept + both
            progress.update(done)
    return changed / max(1, kept)


def count_changes(old: Optional[np.ndarray], new: Optional[np.ndarray], name: str = 'a label') -> Tuple[int, int]:
    """Count the pixels that differ, and the pixels that at least one label keeps; see `label_change`.

    Args:
        old (np.ndarray, optional): (H, W) train ids, 255 for pixels that are not kept. None if there is no label.
        new (np.ndarray, optional): The same for the other set; at most one of them is None.
        name (str): Name of the label for the error message.

    Raises:
        ValueError: if the sizes differ.
    """
    if old is None or new is None:
        kept = sum(int((label != IGNORE).sum()) for label in (old, new) if label is not None)
        return kept, kept
    if old.shape != new.shape:
        raise ValueError(f'{name} is {old.shape[1]}x{old.shape[0]} in one set and {new.shape[1]}x{new.shape[0]} in the '
                         'other (width x height). Only sets of the same images can be compared.')
    return int((old != new).sum()), int(((old != IGNORE) | (new != IGNORE)).sum())


def count_agreement(label: np.ndarray, confidence: np.ndarray, truth: np.ndarray, num_classes: int) -> Counts:
    """Compare a pseudo-label with the ground truth.

    Args:
        label (np.ndarray): (H, W) integers in {0..C-1, 255}.
        confidence (np.ndarray): (H, W) uint8, 255 is 1.0.
        truth (np.ndarray): (H, W) integers in {0..C-1, 255}; pixels with 255 are not counted.
        num_classes (int): C.

    Returns:
        np.ndarray: (C, C, 256) int64, pixels by predicted class, true class and confidence.

    Raises:
        ValueError: if an id is not a class, or the shapes differ.
    """
    if not label.shape == confidence.shape == truth.shape:
        raise ValueError(f'the label is {label.shape}, its confidence {confidence.shape} and the truth {truth.shape}; '
                         'they must have the same size.')
    used = (truth != IGNORE) & (label != IGNORE)
    label, truth, confidence = (pixels[used].astype(np.int64) for pixels in (label, truth, confidence))
    if max(label.max(initial=0), truth.max(initial=0)) >= num_classes:
        raise ValueError(f'the label has ids up to {label.max(initial=0)} and the truth up to {truth.max(initial=0)}; '
                         f'allowed are 0-{num_classes - 1} and {IGNORE}.')
    joint = (label * num_classes + truth) * LEVELS + confidence
    return np.bincount(joint, minlength=num_classes**2 * LEVELS).reshape(num_classes, num_classes, LEVELS)


def measure_quality(counts: Counts, classes: Sequence[str], threshold: Thresholds = 0.6) -> Dict[str, Any]:
    """Compute precision, recall, IoU and calibration of pseudo-labels.

    Args:
        counts (np.ndarray): (C, C, 256), see `count_agreement`.
        classes (Sequence[str]): C names.
        threshold (float | Sequence[float]): Confidence threshold. Defaults to 0.6.

    Returns:
        dict: All shares are in [0, 1], or None if there are no pixels to divide by. `coverage` (of pixels with a true
            class), `accuracy_kept`, `accuracy_all`, `mIoU_kept` (over kept pixels only), `mIoU_all` (both without
            classes that do not occur), `ece` (`calibration_error`), and for each class by name: `precision` (share of
            the kept pixels with this label that belong to the class), `recall` (share of the pixels of the class that
            are kept with this label), `iou_kept`, `iou_all`, and `true_share` of all pixels.
    """
    kept = np.where(_is_kept(threshold)[:, None], counts, 0).sum(axis=2)
    every = counts.sum(axis=2)
    right = kept.diagonal()
    by_class = dict(
        precision=_quotients(right, kept.sum(axis=1)),
        recall=_quotients(right, every.sum(axis=0)),
        iou_kept=_quotients(right, kept.sum(axis=0) + kept.sum(axis=1) - right),
        iou_all=_quotients(every.diagonal(), every.sum(axis=0) + every.sum(axis=1) - every.diagonal()),
        true_share=_quotients(every.sum(axis=0), every.sum()))
    return dict(
        coverage=_quotient(kept.sum(), every.sum()),
        accuracy_kept=_quotient(right.sum(), kept.sum()),
        accuracy_all=_quotient(every.trace(), every.sum()),
        mIoU_kept=_mean(by_class['iou_kept']),
        mIoU_all=_mean(by_class['iou_all']),
        ece=calibration_error(counts),
        **{key: dict(zip(classes, values)) for key, values in by_class.items()})


def reliability(counts: Counts, bins: int = 20) -> List[Dict[str, float]]:
    """Compute the accuracy by confidence: of pixels with a confidence of 80 %, 80 % should be right.

    Args:
        counts (np.ndarray): (C, C, 256), see `count_agreement`.
        bins (int): Number of equal bins of [0, 1]. Defaults to 20.

    Returns:
        list[dict]: For each bin with pixels: `confidence` (mean), `accuracy`, `share` of all pixels.
    """
    pixels = counts.sum(axis=(0, 1))
    right = counts.diagonal().sum(axis=1)  # (256, C): the confidence comes first
    means = (np.arange(LEVELS) + 0.5) / 255  # stored values are rounded down
    means[-1] = 1.0
    number = np.minimum((means * bins).astype(int), bins - 1)
    total, hits, sums = (np.bincount(number, weights=values, minlength=bins)
                         for values in (pixels, right, pixels * means))
    return [dict(confidence=sums[part] / total[part], accuracy=hits[part] / total[part],
                 share=total[part] / total.sum()) for part in np.flatnonzero(total).tolist()]


def calibration_error(counts: Counts, bins: int = 20) -> Optional[float]:
    """Compute the expected calibration error: the mean distance between confidence and accuracy; None without pixels.

    Source: Guo et al., On calibration of modern neural networks, ICML 2017, equation 5.
    """
    parts = reliability(counts, bins)
    return sum(part['share'] * abs(part['confidence'] - part['accuracy']) for part in parts) if parts else None


def threshold_curve(counts: Counts, steps: int = 20) -> List[Dict[str, Optional[float]]]:
    """Compute coverage and accuracy at thresholds from 0 to 1: a list of `threshold`, `coverage` and `accuracy`.

    Args:
        counts (np.ndarray): (C, C, 256), see `count_agreement`.
        steps (int): Number of equal steps from 0 to 1. Defaults to 20.
    """
    pixels, right = (np.cumsum(part[::-1])[::-1] for part in (counts.sum(axis=(0, 1)),
                                                              counts.diagonal().sum(axis=1)))
    thresholds = np.arange(steps + 1) / steps
    return [dict(threshold=threshold, coverage=_quotient(pixels[lowest], pixels[0]),
                 accuracy=_quotient(right[lowest], pixels[lowest]))
            for threshold, lowest in zip(thresholds.tolist(), lowest_kept(thresholds).tolist())]


def _is_kept(thresholds: Thresholds) -> np.ndarray:
    """Return which stored confidences are kept: (C, 256) bool, or (1, 256) with one threshold for all classes."""
    return np.arange(LEVELS) >= np.atleast_1d(lowest_kept(thresholds))[:, None]


def _read_kept(path: str, thresholds: Thresholds) -> np.ndarray:
    return keep_confident(*read_pseudo_label(path), thresholds)


def _ratio(part: Any, whole: Any) -> np.ndarray:
    """Return quotients, or 0 for a divisor of 0."""
    part, whole = np.broadcast_arrays(np.asarray(part, np.float64), np.asarray(whole, np.float64))
    return np.divide(part, whole, out=np.zeros(part.shape), where=whole > 0)


def _quotient(part: Any, whole: Any) -> Optional[float]:
    return float(part / whole) if whole > 0 else None


def _quotients(parts: np.ndarray, whole: Any) -> List[Optional[float]]:
    return [_quotient(*pair) for pair in zip(parts, np.broadcast_to(whole, parts.shape))]


def _mean(values: Sequence[Optional[float]]) -> Optional[float]:
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None


def _percent(share: float) -> str:
    return f'{100 * share:.2f}'
