"""Statistics that differ much between the source and the target of a config."""
from typing import List, Mapping, Optional, Sequence, Tuple

import numpy as np

from .label_maps import IGNORE
from .sample_scan import SampleScan, percent

CLASS_FACTOR, SMALL_SHARE = 5, 0.01  # shares of a class differ by this factor, and not both are small
IGNORED_SHARE = 0.2  # shares of ignored pixels are compared if one is larger than this
LEVEL_FACTOR = 3  # brightness and contrast differ by this factor
SIZE_FACTOR = 2  # widths and heights, or their ratios, differ by this factor


def compare_scans(scans: Mapping[str, SampleScan]) -> List[str]:
    """Compare the images of the source with those of the target, and its labels with those of the labelled target.

    Args:
        scans (Mapping[str, SampleScan]): Scans by their places in a config.

    Returns:
        list[str]: Warnings.
    """
    branches = {branch: [scan for place, scan in scans.items() if place.split('.')[2:3] == [branch]]
                for branch in ('source', 'labeled_target', 'target')}
    lines = []
    for branch in ('labeled_target', 'target'):
        both = {'source': branches['source'], branch: branches[branch]}
        lines += _compare_images(both)
    return [*lines, *_compare_labels(branches['source'], branches['labeled_target'])]


def _compare_images(both: Mapping[str, Sequence[SampleScan]]) -> List[str]:
    """Compare values, sizes and aspect ratios of the images of two branches."""
    if not all(any(scan.sizes for scan in scans) for scans in both.values()):
        return []
    names = ' and '.join(both)
    lines = []
    for what, key in (('mean values', 'brightness'), ('standard deviations', 'contrast')):
        ours, theirs = (float(np.nanmean([getattr(scan, key) for scan in scans])) for scans in both.values())
        if _differ(ours, theirs, LEVEL_FACTOR) and min(ours, theirs) > 0:
            lines.append(f'warning: the {what} of the images of {names} differ by a factor of {LEVEL_FACTOR} or more: '
                         f'{ours:.0f} and {theirs:.0f}. Are both in the full range of 8 bits?')
    if not any(scan.resizes for scans in both.values() for scan in scans):
        lines += _compare_sizes(names, *(_typical_size(scans) for scans in both.values()))
    return lines


def _compare_sizes(names: str, ours: Tuple[float, float], theirs: Tuple[float, float]) -> List[str]:
    """Compare two sizes (width, height)."""
    text = f'{ours[0]:.0f}x{ours[1]:.0f} and {theirs[0]:.0f}x{theirs[1]:.0f} pixels on average'
    if _differ(ours[0] / ours[1], theirs[0] / theirs[1], SIZE_FACTOR):
        return [f'warning: the aspect ratios of the images of {names} differ by a factor of {SIZE_FACTOR} or more: '
                f'{text}. Are some images not upright?']
    if _differ(ours[0] * ours[1], theirs[0] * theirs[1], SIZE_FACTOR ** 2):
        return [f'warning: the sizes of the images of {names} differ by a factor of {SIZE_FACTOR} or more, and no '
                f'pipeline resizes them: {text}. Objects of one class then have different sizes']
    return []


def _compare_labels(source: Sequence[SampleScan], target: Sequence[SampleScan]) -> List[str]:
    """Compare the shares of classes and of ignored pixels."""
    ours, theirs = _pixels(source), _pixels(target)
    if ours is None or theirs is None:
        return []
    lines = []
    classes = next(scan.classes for scan in source if scan.pixels.any())
    shares = [pixels[:IGNORE] / max(1, pixels[:IGNORE].sum()) for pixels in (ours, theirs)]
    differing = [_both(name, mine, other) for name, mine, other in zip(classes, *shares)
                 if max(mine, other) >= SMALL_SHARE and _differ(mine, other, CLASS_FACTOR)]
    if differing:
        lines.append(f'warning: class shares differ by a factor of {CLASS_FACTOR} or more between the labels read of '
                     f'source and labeled_target: {", ".join(differing)}. Check that both have the same ids')
    ignored = [pixels[IGNORE] / pixels.sum() for pixels in (ours, theirs)]
    if max(ignored) >= IGNORED_SHARE and _differ(ignored[0], ignored[1], CLASS_FACTOR):
        lines.append(f'warning: {_both("ignored", *ignored)} of the pixels of source and labeled_target. Check that '
                     'their `label_map` ignores the same classes')
    return lines


def _pixels(scans: Sequence[SampleScan]) -> Optional[np.ndarray]:
    """Add the pixels by train id; None without labels."""
    pixels = sum((scan.pixels for scan in scans), np.zeros(256, np.int64))
    return pixels if pixels[:IGNORE].any() else None


def _typical_size(scans: Sequence[SampleScan]) -> Tuple[float, float]:
    """Return the average width and height of images."""
    width, height = np.mean([size for scan in scans for size in scan.sizes], axis=0)
    return float(width), float(height)


def _differ(ours: float, theirs: float, factor: float) -> bool:
    return max(ours, theirs) >= factor * min(ours, theirs)


def _both(name: str, ours: float, theirs: float) -> str:
    return f'{name} {percent(ours)} and {percent(theirs)}'
