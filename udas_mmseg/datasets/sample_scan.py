"""Statistics of the samples that the check before a run reads: ids with their shares, and images without content."""
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import cv2
import numpy as np
from mmcv.transforms import LoadAnnotations

from .label_colors import is_color_map
from .label_fit import count_raw_ids, fitting_maps, ignored_share, unmapped_ids
from .label_maps import IGNORE, count_ids
from .transforms.loading import LoadLabelIds
from .translated import first_names

MUCH_IGNORED = 1 / 3  # a warning from this share of the pixels on
DARK = 32  # of 255: images without a brighter value are almost black


class SampleScan:
    """Statistics of some samples of a data set.

    Args:
        classes (Sequence[str]): Classes of the data set.
        loaders (Sequence[BaseTransform]): Steps of the pipeline that load images and labels.
        resizes (bool): Whether the pipeline resizes the images after loading them. Defaults to False.

    Attributes:
        pixels (np.ndarray): (256, ) int64, pixels by train id.
        sizes (list[tuple[int, int]]): Width and height of the images as they are loaded.
        broken (list[str]): Messages about samples that cannot be used and are left out.
    """

    def __init__(self, classes: Sequence[str], loaders: Sequence, resizes: bool = False) -> None:
        self.classes = tuple(classes)
        self.resizes = resizes
        self.pixels = np.zeros(256, np.int64)
        self.sizes: List[Tuple[int, int]] = []
        self.broken: List[str] = []
        # pseudo-labels are ignored where the model was unsure, which is as it should be
        self._truth = [load for load in loaders if isinstance(load, (LoadLabelIds, LoadAnnotations))]
        self._map: Optional[Mapping[Any, int]] = None
        self._raw_counts: Optional[np.ndarray] = None
        self._labels: List[dict] = []
        self._levels: List[Tuple[float, float]] = []  # mean and standard deviation of each image
        self._orientations: List[bool] = []  # of the images that have one: whether it is ignored
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
            self._add_image(img, results)
        if label is not None:
            self._labels.append({key: results[key] for key in ('seg_map_path', 'label_channel') if key in results})
            self.pixels += count_ids(label)
            if self._truth and isinstance(self._truth[0], LoadLabelIds):
                self._map = self._truth[0].effective_map(dict(results))

    def _add_image(self, img: np.ndarray, results: Mapping) -> None:
        means, deviations = cv2.meanStdDev(img)
        self._levels.append((float(means.mean()), float(deviations.mean())))
        self.sizes.append((img.shape[1], img.shape[0]))
        if 'exif_orientation' in results:
            self._orientations.append(results.get('ignores_orientation', False))
        if deviations.max() < 0.5 and (img == img[:1, :1]).all():  # the comparison takes longer
            self._constant.append(results['img_path'])
        elif img.dtype == np.uint8 and img.max() <= DARK:
            self._dark.append(results['img_path'])

    @property
    def brightness(self) -> float:
        """Mean of the pixel values, averaged over the images; NaN without images."""
        return float(np.mean([mean for mean, _ in self._levels])) if self._levels else float('nan')

    @property
    def contrast(self) -> float:
        """Standard deviation of the pixel values in an image, averaged over the images; NaN without images."""
        return float(np.mean([deviation for _, deviation in self._levels])) if self._levels else float('nan')

    def lines(self) -> List[str]:
        """Describe the samples in a few indented lines; those about problems begin with 'warning: '.

        Raises:
            ValueError: if all pixels of all labels are ignored.
        """
        lines = [self._image_line()] if self.sizes else []
        lines += self._label_lines() if self.pixels.any() else []
        dark = (f'are almost black: no value above {DARK} of 255. 12-bit images look like this if only the upper 8 of '
                '16 bits were kept; scale their values to the full range')
        for paths, what in ((self._constant, 'have a single colour'), (self._dark, dark)):
            if paths:
                lines.append(f'  warning: {len(paths)} of {len(self.sizes)} images {what}: {first_names(paths)}')
        if self.broken:
            lines.append(f'  warning: {len(self.broken)} samples are broken and left out: {"; ".join(self.broken[:3])}'
                         f'{" ..." if len(self.broken) > 3 else ""}')
        return lines

    def _image_line(self) -> str:
        sizes = sorted(set(self.sizes), key=lambda size: (size[0] * size[1], size))
        shown = [f'{width}x{height}' for width, height in (sizes if len(sizes) < 3 else (sizes[0], sizes[-1]))]
        text = (f'  {len(self.sizes)} images of {" to ".join(shown)} pixels: mean value {self.brightness:.0f}, '
                f'standard deviation {self.contrast:.0f}')
        for ignored, reading in ((False, 'turned as displayed'), (True, 'read as stored')):
            count = self._orientations.count(ignored)
            text += f'; {count} with an EXIF orientation, {reading}' if count else ''
        return text

    def _label_lines(self) -> List[str]:
        shares = self.pixels / self.pixels.sum()
        ignored = shares[IGNORE]
        if ignored == 1 and self._truth:
            first = self._labels[0]['seg_map_path']
            raise ValueError(f'all pixels of the {len(self._labels)} labels that were read are ignored (255), such as '
                             f'{first}.{self._raw_ids_text()} Correct `label_map`, or the folder of the labels.'
                             f'{fitting_maps(self._raw(), len(self.classes), 0.5)}')
        colors = self._colors_by_id()
        seen = [f'{name}{colors.get(number, "")} {percent(share)}'
                for number, (name, share) in enumerate(zip(self.classes, shares)) if share > 0]
        absent = [name for name, share in zip(self.classes, shares) if share == 0]
        seen.append(f'ignored{colors.get(IGNORE, "") if ignored else ""} {percent(ignored)}')
        lines = [f'  in {len(self._labels)} labels: {", ".join(seen)}']
        if absent:
            lines.append(f'  in none of these labels: {", ".join(absent)}')
        if not self._truth:
            return lines
        warning = self._binary_mask() if len(seen) == 2 and ignored > 0 else ''
        if not warning and (ignored >= MUCH_IGNORED or 2 * len(absent) > len(self.classes)):
            warning = self._other_map()
        if not warning and ignored >= MUCH_IGNORED:
            warning = (f'{percent(ignored)} of the pixels are ignored (255).{self._raw_ids_text()} Check `label_map` '
                       'if they should be used.')
        return [*lines, f'  warning: {warning}'] if warning else lines

    def _colors_by_id(self) -> Dict[int, str]:
        """Return the colours that stand for each train id, as text; empty if labels have ids."""
        found: Dict[int, str] = {}
        for color, train in (self._map or {}).items() if is_color_map(self._map) else ():
            found[train] = f'{found.get(train, "")} {color}'
        return found

    def _raw(self) -> np.ndarray:
        """Count the ids in the label files, (65536, ); zeros if the labels are colours."""
        if is_color_map(self._map):
            return np.zeros(65536, np.int64)
        if self._raw_counts is None:
            load = self._truth[0]
            channel = getattr(load, 'label_channel', None)
            labels = [{**label, 'label_channel': channel} if channel else label for label in self._labels]
            self._raw_counts = count_raw_ids(labels, getattr(load, 'backend_args', None))
        return self._raw_counts

    def _raw_ids_text(self) -> str:
        raw = np.flatnonzero(self._raw()).tolist()
        return f' The ids in the files are {", ".join(map(str, raw))}.' if raw else ''

    def _binary_mask(self) -> str:
        """Describe labels of only 0 and 255, of which 255 is ignored."""
        if np.flatnonzero(self._raw()).tolist() != [0, IGNORE]:
            return ''
        return ('the label files have only the ids 0 and 255, as binary masks have, and 255 is ignored. If 255 is the '
                'foreground, set label_map={0: 0, 255: 1}, with two classes in `metainfo`.')

    def _other_map(self) -> str:
        """Describe a `label_map` that ignores much of what another one would use; '' if it does not."""
        raw, unmapped = self._raw(), unmapped_ids(self._raw(), self._map)
        share = ignored_share(raw, self._map)
        count = np.count_nonzero(raw) - int(raw[IGNORE] > 0)
        fitting = fitting_maps(raw, len(self.classes), share / 2)
        if not fitting or (share < MUCH_IGNORED and 2 * len(unmapped) <= count):
            return ''
        return (f'`label_map` ignores {len(unmapped)} of the {count} ids in the label files, {percent(share)} of the '
                f'pixels: {", ".join(map(str, unmapped))}.{fitting} Correct `label_map` of the data set or of '
                'LoadLabelIds.')


def percent(share: float) -> str:
    """Format a share: '12.3 %'; '<0.1 %' for a small one."""
    return '<0.1 %' if 0 < share < 0.0005 else f'{100 * share:.1f} %'
