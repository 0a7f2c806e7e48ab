"""Loading pseudo-labels without the pixels of which the teacher was not confident."""
from typing import Any, Dict, List, Mapping, Optional

import numpy as np
from mmseg.registry import TRANSFORMS

from ...utils.randomness import child_generator
from ..image_files import fit_label
from ..label_maps import IGNORE
from ..pseudo_label_set import confidence_path, read_pseudo_label
from ..thresholds import (
    LEVELS,
    Thresholds,
    class_balanced_thresholds,
    confidence_histogram,
    instance_adaptive_thresholds,
    keep_confident,
    lowest_kept,
)
from .answers import lay_answers_over
from .loading import LabelLoader

HISTOGRAM_KEY = 'confidence_histogram'
_CLASS_BALANCED = dict(portion=0.5, beta=1.0, gamma=8.0)
_RANGES = dict(portion='above 0, up to 1', beta='0 to 1', gamma='0 or more')


@TRANSFORMS.register_module()
class LoadPseudoLabel(LabelLoader):
    """Read a pseudo-label and its confidence, and set pixels below the threshold to 255.

    Required keys: `seg_map_path`, whose folder also has the confidence file; `ori_shape` if an image was loaded; for
    `class_balanced` also `confidence_histogram`, which `PseudoLabeledDataset` adds, as it adds `answers_path` to images
    with the label of a person, which is laid over the pseudo-label. Added keys: `gt_seg_map` (H, W) uint8 in {0..C-1,
    255}; `gt_seg_map` in `seg_fields`.

    Args:
        threshold (float): Lowest confidence in [0, 1] at which a pixel is kept; with `class_balanced`, the upper limit
            of the threshold of each class. Defaults to 0.6, as in UDAS.
        class_balanced (dict, optional): Use a threshold for each class that keeps the most confident `portion` (default
            0.5) of its pixels in the whole set, as in CBST; see `class_balanced_thresholds`. With `beta` below 1
            (default 1; 0.9 in IAST), the thresholds also depend on the image, with the exponent `gamma` (default 8);
            see `instance_adaptive_thresholds`. `threshold` is the upper limit: raise it (for example to 0.9) to also
            drop pixels of classes of which the teacher is confident. Defaults to None: the same threshold for all
            classes.
        keep_power (float): A pixel above its threshold is kept with the probability confidence^keep_power, drawn anew
            each time. Its loss is thus weighted by this on average, whatever the student does with the label (mixing,
            terms, heads). Defaults to 0: all are kept.
        backend_args (dict, optional): Arguments of MMEngine's file backend. Defaults to None.

    Raises:
        SampleError: if label or confidence is missing or broken, or does not have the size of the image.
        ValueError: for a threshold outside [0, 1], a negative `keep_power`, an unknown entry of `class_balanced`, or
            `class_balanced` with a data set that has no histogram.

    Example:
        >>> pipeline = [dict(type='LoadVerifiedImage'), dict(type='LoadPseudoLabel', threshold=0.6), ...]
    """

    def __init__(self,
                 threshold: float = 0.6,
                 class_balanced: Optional[Mapping[str, float]] = None,
                 keep_power: float = 0.0,
                 backend_args: Optional[dict] = None) -> None:
        lowest_kept(threshold)
        self.threshold = threshold
        if not 0 <= keep_power < np.inf:
            raise ValueError(f'LoadPseudoLabel: keep_power={keep_power}. Allowed are numbers from 0 (all are kept).')
        self.keep_power = keep_power
        self.class_balanced = None if class_balanced is None else _complete(class_balanced)
        self.backend_args = backend_args

    def transform(self, results: Dict[str, Any]) -> Dict[str, Any]:
        """Load `results['seg_map_path']`; see the class."""
        label, confidence = read_pseudo_label(results['seg_map_path'], self.backend_args)
        thresholds = self._thresholds(label, confidence, results)
        label, confidence = (fit_label(part, results) for part in (label, confidence))
        kept = keep_confident(label, confidence, thresholds)
        if self.keep_power > 0:
            chance = (np.arange(LEVELS, dtype=np.float32) / (LEVELS - 1))**self.keep_power
            kept[child_generator().random(kept.shape, np.float32) >= chance[confidence]] = IGNORE
        results['gt_seg_map'] = lay_answers_over(kept, results, self.backend_args)
        results.setdefault('seg_fields', []).append('gt_seg_map')
        return results

    def other_files(self, results: Mapping[str, Any]) -> List[str]:
        """Return the files that are read besides those whose paths are entries of the sample: the confidence."""
        return [confidence_path(results['seg_map_path'])]

    def _thresholds(self, label: np.ndarray, confidence: np.ndarray, results: Mapping[str, Any]) -> Thresholds:
        if self.class_balanced is None:
            return self.threshold
        histogram = results.get(HISTOGRAM_KEY)
        if histogram is None:
            raise ValueError(f'class_balanced={self.class_balanced} needs the confidence histogram of the whole set, '
                             f'which is missing for {results["seg_map_path"]}. Use PseudoLabeledDataset, and a set '
                             'whose index.json has `confidence_histogram` (tools/pseudo_label.py writes it).')
        portion, beta, gamma = (self.class_balanced[name] for name in ('portion', 'beta', 'gamma'))
        if beta == 1:
            return class_balanced_thresholds(histogram, portion, self.threshold)
        of_image = confidence_histogram(label, confidence, len(histogram))
        # the limit is applied last: a limited threshold of the set would raise the threshold of the image
        return np.minimum(instance_adaptive_thresholds(histogram, of_image, portion, beta, gamma), self.threshold)

    def __repr__(self) -> str:
        return (f'{type(self).__name__}(threshold={self.threshold}, class_balanced={self.class_balanced}, '
                f'keep_power={self.keep_power}, backend_args={self.backend_args})')


def _complete(given: Mapping[str, float]) -> Dict[str, float]:
    """Check the arguments of `class_balanced` and add defaults."""
    unknown = sorted(set(given) - set(_CLASS_BALANCED))
    if unknown:
        raise ValueError(f'class_balanced has {unknown}; its entries are {_CLASS_BALANCED} (the defaults). To limit '
                         'the thresholds, use `threshold` of LoadPseudoLabel.')
    options = {**_CLASS_BALANCED, **given}
    good = dict(portion=0 < options['portion'] <= 1, beta=0 <= options['beta'] <= 1, gamma=options['gamma'] >= 0)
    for name, is_good in good.items():
        if not is_good:
            raise ValueError(f'class_balanced has {name}={options[name]}; allowed are {_RANGES[name]}.')
    return options
