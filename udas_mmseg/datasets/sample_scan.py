"""Statistics of the samples that the check before a run reads: ids with their shares, and images without content."""
from typing import Dict, List, Mapping, Optional, Sequence, Set

import numpy as np
from mmcv.transforms import LoadAnnotations

from .label_maps import IGNORE, count_ids
from .transforms.loading import LoadLabelIds
from .translated import first_names

MUCH_IGNORED = 1 / 3  # a warning from this share of the pixels on
DARK = 32  # of 255: images without a brighter value are almost black
FACTOR, SMALL_SHARE = 5, 0.01  # shares of a class differ if one is this many times the other, and not both are small


class SampleScan:
    """Statistics of some samples of a data set.

    Args:
        classes (Sequence[str]): Classes of the data set.
        loaders (Sequence[BaseTransform]): Steps of the pipeline that load images and labels.

    Attributes:
        pixels (np.ndarray): (256, ) int64, pixels by train id.
    """

    def __init__(self, classes: Sequence[str], loaders: Sequence) -> None:
        self.classes = tuple(classes)
        self.pixels = np.zeros(256, np.int64)
        # pseudo-labels are ignored where the model was unsure, which is as it should be
        self._truth = [load for load in loaders if isinstance(load, (LoadLabelIds, LoadAnnotations))]
        self._labels: List[dict] = []
        self._num_images = 0
        self._dark: List[str] = []
        self._constant: List[str] = []

    def add(self, results: Mapping) -> None:
        """Count a sample.

        Args:
            results (Mapping): `img` (H, W, 3) and `img_path`; `gt_seg_map` (H, W) in {0..C-1, 255} and
                `seg_map_path` if the label was loaded.
        """
        img, label = results.get('img'), results.get('gt_seg_map')
        if img is not None:
            self._num_images += 1
            if (img == img[:1, :1]).all():
                self._constant.append(results['img_path'])
            elif img.dtype == np.uint8 and img.max() <= DARK:
                self._dark.append(results['img_path'])
        if label is not None:
            self._labels.append({key: results[key] for key in ('seg_map_path', 'label_channel') if key in results})
            self.pixels += count_ids(label)

    def lines(self) -> List[str]:
        """Describe the samples in a few indented lines; those about problems begin with 'warning: '.

        Raises:
            ValueError: if all pixels of all labels are ignored.
        """
        lines = self._label_lines() if self.pixels.any() else []
        dark = (f'are almost black: no value above {DARK} of 255. 12-bit images look like this if only the upper 8 of '
                '16 bits were kept; scale their values to the full range')
        for paths, what in ((self._constant, 'have a single colour'), (self._dark, dark)):
            if paths:
                lines.append(f'  warning: {len(paths)} of {self._num_images} images {what}: {first_names(paths)}')
        return lines

    def _label_lines(self) -> List[str]:
        shares = self.pixels / self.pixels.sum()
        ignored = shares[IGNORE]
        if ignored == 1 and self._truth:
            first = self._labels[0]['seg_map_path']
            raise ValueError(f'all pixels of the {len(self._labels)} labels that were read are ignored (255), such as '
                             f'{first}.{self._raw_ids_text()} Correct `label_map`, or the folder of the labels.')
        seen = [f'{name} {_percent(share)}' for name, share in zip(self.classes, shares) if share > 0]
        absent = [name for name, share in zip(self.classes, shares) if share == 0]
        lines = [f'  in {len(self._labels)} labels: {", ".join([*seen, f"ignored {_percent(ignored)}"])}']
        if absent:
            lines.append(f'  in none of these labels: {", ".join(absent)}')
        if not self._truth:
            return lines
        binary = self._binary_mask() if len(seen) == 1 and ignored > 0 else ''
        if binary:
            lines.append(f'  warning: {binary}')
        elif ignored >= MUCH_IGNORED:
            lines.append(f'  warning: {_percent(ignored)} of the pixels are ignored (255).{self._raw_ids_text()} Check '
                         '`label_map` if they should be used.')
        return lines

    def _raw_ids(self) -> Set[int]:
        """Return the ids in the label files; empty if they have no 8-bit ids."""
        load = LoadLabelIds(backend_args=getattr(self._truth[0], 'backend_args', None))
        found: Set[int] = set()
        for label in self._labels:
            try:
                found.update(np.flatnonzero(count_ids(load(dict(label))['gt_seg_map'])).tolist())
            except ValueError:  # colours, or larger ids
                return set()
        return found

    def _raw_ids_text(self) -> str:
        raw = self._raw_ids()
        return f' The ids in the files are {", ".join(map(str, sorted(raw)))}.' if raw else ''

    def _binary_mask(self) -> str:
        """Describe labels of only 0 and 255, of which 255 is ignored."""
        if self._raw_ids() != {0, IGNORE}:
            return ''
        return ('the label files have only the ids 0 and 255, as binary masks have, and 255 is ignored. If 255 is the '
                'foreground, set label_map={0: 0, 255: 1}, with two classes in `metainfo`.')


def compare_shares(scans: Mapping[str, SampleScan]) -> List[str]:
    """Name the classes whose shares differ much between source and labelled target.

    Args:
        scans (Mapping[str, SampleScan]): Scans by their places in a config.

    Returns:
        list[str]: A warning, or nothing.
    """
    shares: Dict[str, Optional[np.ndarray]] = {}
    for branch in ('source', 'labeled_target'):
        found = [scan for place, scan in scans.items() if place.split('.')[2:3] == [branch] and scan.pixels.any()]
        counts = sum((scan.pixels[:IGNORE] for scan in found), np.zeros(IGNORE, np.int64))
        shares[branch] = counts / counts.sum() if counts.any() else None
        classes = found[0].classes if found else ()
    ours, theirs = shares.values()
    if ours is None or theirs is None:
        return []
    differing = [f'{name} {_percent(mine)} and {_percent(other)}' for name, mine, other in zip(classes, ours, theirs)
                 if max(mine, other) >= max(SMALL_SHARE, FACTOR * min(mine, other))]
    return [f'warning: class shares differ by a factor of {FACTOR} or more between the labels read of source and '
            f'labeled_target: {", ".join(differing)}. Check that both have the same ids'] if differing else []


def _percent(share: float) -> str:
    """Format a share: '12.3 %'; '<0.1 %' for a small one."""
    return '<0.1 %' if 0 < share < 0.0005 else f'{100 * share:.1f} %'
