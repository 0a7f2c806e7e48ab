"""A metric for the mean IoU over subsets of the classes."""
from typing import Any, Dict, Mapping, Optional, Sequence, Union

import numpy as np
from mmseg.evaluation import IoUMetric
from mmseg.registry import METRICS

from ..datasets.class_ids import check_class_ids

# The classes that are scored for SYNTHIA -> Cityscapes; labels still have the 19 classes of Cityscapes.
SYNTHIA_16 = ('road', 'sidewalk', 'building', 'wall', 'fence', 'pole', 'traffic light', 'traffic sign', 'vegetation',
              'sky', 'person', 'rider', 'car', 'bus', 'motorcycle', 'bicycle')
SYNTHIA_13 = tuple(name for name in SYNTHIA_16 if name not in ('wall', 'fence', 'pole'))

BUILT_IN_SUBSETS = {'synthia16': SYNTHIA_16, 'synthia13': SYNTHIA_13}


@METRICS.register_module()
class SubsetIoUMetric(IoUMetric):
    """MMSegmentation's `IoUMetric` that also reports the IoU of each class and the mean IoU of subsets of the classes.

    Args:
        subsets (dict[str, str | Sequence[str]], optional): Name of the score -> class names, or `'synthia16'` or
            `'synthia13'`. Defaults to None.
        **kwargs: Arguments of `IoUMetric`.

    Returns of `compute_metrics`: MMSegmentation's `aAcc`, `mIoU`, `mAcc`; `IoU/<class>` for each class that occurs in
    labels or predictions; `mIoU/<name>` for each subset. All in percent.

    Raises:
        ValueError: if a subset names a class that the data set does not have, or a label has an id that is not a
            class.

    Example:
        >>> val_evaluator = dict(type='SubsetIoUMetric', subsets=dict(mIoU16='synthia16', mIoU13='synthia13'))
    """

    def __init__(self, subsets: Optional[Mapping[str, Union[str, Sequence[str]]]] = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.subsets = {name: self._class_names(chosen) for name, chosen in (subsets or {}).items()}

    @staticmethod
    def _class_names(chosen: Union[str, Sequence[str]]) -> Sequence[str]:
        if isinstance(chosen, str):
            if chosen not in BUILT_IN_SUBSETS:
                raise ValueError(f'subset {chosen!r} is unknown. Allowed: {sorted(BUILT_IN_SUBSETS)}, or a list of '
                                 'class names.')
            return BUILT_IN_SUBSETS[chosen]
        return tuple(chosen)

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        """Count the pixels of a batch; a label with an id that is not a class is an error with its path."""
        for sample in data_samples if not self.format_only else ():
            path = sample.get('seg_map_path') or sample.get('img_path') or 'a label'
            check_class_ids(sample['gt_sem_seg']['data'], len(self.dataset_meta['classes']), path, self.ignore_index)
        super().process(data_batch, data_samples)

    def compute_metrics(self, results: list) -> Dict[str, float]:
        """Compute the scores over all images; see the class."""
        metrics = {name: round(float(value), 2) for name, value in super().compute_metrics(results).items()}
        if self.format_only:
            return metrics
        intersect, union = (sum(parts).double().numpy() for parts in list(zip(*results))[:2])
        with np.errstate(invalid='ignore', divide='ignore'):
            iou = dict(zip(self.dataset_meta['classes'], 100 * intersect / union))
        metrics.update({f'IoU/{name}': round(float(value), 2) for name, value in iou.items() if np.isfinite(value)})
        for subset, names in self.subsets.items():
            unknown = [name for name in names if name not in iou]
            if unknown:
                raise ValueError(f'subset {subset!r} names {unknown}, which the data set does not have. Its classes: '
                                 f'{tuple(iou)}.')
            metrics[f'mIoU/{subset}'] = round(float(np.nanmean([iou[name] for name in names])), 2)
        return metrics
