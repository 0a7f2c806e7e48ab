"""A metric for the mean IoU over subsets of the classes, and by group of images."""
from typing import Any, Dict, List, Mapping, Optional, Sequence, Union

import numpy as np
from mmseg.evaluation import IoUMetric
from mmseg.registry import METRICS

from ..datasets.class_ids import check_class_ids
from ..datasets.image_groups import MEAN, WORST, ImageGroups

# The classes that are scored for SYNTHIA -> Cityscapes; labels still have the 19 classes of Cityscapes.
SYNTHIA_16 = ('road', 'sidewalk', 'building', 'wall', 'fence', 'pole', 'traffic light', 'traffic sign', 'vegetation',
              'sky', 'person', 'rider', 'car', 'bus', 'motorcycle', 'bicycle')
SYNTHIA_13 = tuple(name for name in SYNTHIA_16 if name not in ('wall', 'fence', 'pole'))

BUILT_IN_SUBSETS = {'synthia16': SYNTHIA_16, 'synthia13': SYNTHIA_13}


@METRICS.register_module()
class SubsetIoUMetric(IoUMetric):
    r"""MMSegmentation's `IoUMetric`, with the IoU of each class and the mean IoU of subsets of classes and of images.

    Args:
        subsets (dict[str, str | Sequence[str]], optional): Name of the score -> class names, or `'synthia16'` or
            `'synthia13'`. Defaults to None.
        groups (dict, optional): Arguments of `ImageGroups`: a rule on the paths that gives the group of each image.
            Defaults to None.
        **kwargs: Arguments of `IoUMetric`.

    Returns of `compute_metrics`: MMSegmentation's `aAcc`, `mIoU`, `mAcc`; `IoU/<class>` for each class that occurs in
    labels or predictions; `mIoU/<name>` for each subset. With groups, also `mIoU/<group>` and `<group>/IoU/<class>`,
    computed as if the data set had only the images of the group, and `mIoU/mean` and `mIoU/worst` over the groups. All
    in percent.

    Raises:
        ValueError: if a subset names a class that the data set does not have, a label has an id that is not a class,
            an image belongs to no group, or a group has no images.

    Example:
        >>> val_evaluator = dict(type='SubsetIoUMetric', subsets=dict(mIoU16='synthia16', mIoU13='synthia13'))
        >>> val_evaluator = dict(type='SubsetIoUMetric', groups=dict(pattern=r'/([a-z]+)_\d+_\d+_leftImg8bit'))
    """

    def __init__(self,
                 subsets: Optional[Mapping[str, Union[str, Sequence[str]]]] = None,
                 groups: Optional[Mapping[str, Any]] = None,
                 **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.subsets = {name: self._class_names(chosen) for name, chosen in (subsets or {}).items()}
        self.groups = ImageGroups(**groups) if groups else None
        double = [name for name in (MEAN, WORST, *(self.groups.names if self.groups else ())) if name in self.subsets]
        if self.groups and double:
            raise ValueError(f'subsets of classes and groups of images are both named {double}: mIoU/{double[0]} would '
                             'have two values. Rename the subsets.')

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
        before = len(self.results)
        super().process(data_batch, data_samples)
        if self.groups and not self.format_only:
            paths = [sample['img_path'] for sample in data_samples]
            self.results[before:] = [(*counts, self.groups.group_of(path), path)
                                     for counts, path in zip(self.results[before:], paths)]

    def compute_metrics(self, results: list) -> Dict[str, float]:
        """Compute the scores over all images; see the class."""
        counts = [result[:4] for result in results]
        metrics = {name: round(float(value), 2) for name, value in super().compute_metrics(counts).items()}
        if self.format_only:
            return metrics
        iou = self._iou(counts)
        metrics.update(_by_class(iou))
        for subset, names in self.subsets.items():
            unknown = [name for name in names if name not in iou]
            if unknown:
                raise ValueError(f'subset {subset!r} names {unknown}, which the data set does not have. Its classes: '
                                 f'{tuple(iou)}.')
            metrics[f'mIoU/{subset}'] = round(float(np.nanmean([iou[name] for name in names])), 2)
        return metrics if self.groups is None else {**metrics, **self._by_group(results, self.groups)}

    def _iou(self, counts: Sequence[tuple]) -> Dict[str, float]:
        """Return the IoU of each class in percent; not a number for a class that does not occur."""
        intersect, union = (sum(parts).double().numpy() for parts in list(zip(*counts))[:2])
        with np.errstate(invalid='ignore', divide='ignore'):
            return dict(zip(self.dataset_meta['classes'], (100 * intersect / union).tolist()))

    def _by_group(self, results: Sequence[tuple], groups: ImageGroups) -> Dict[str, float]:
        """Return the scores of each group, and over the groups."""
        means: Dict[str, float] = {}
        classes: Dict[str, float] = {}
        for group in groups.check([result[5] for result in results]):
            counts: List[tuple] = [result[:4] for result in results if result[4] == group]
            iou = self._iou(counts) if counts else {}  # without images only if that is allowed
            values = [value for value in iou.values() if np.isfinite(value)]
            means[group] = float(np.mean(values)) if values else float('nan')
            classes.update({f'{group}/{name}': value for name, value in _by_class(iou).items()})
        mean, worst = groups.mean_and_worst(means)
        scores = {f'mIoU/{name}': round(value, 2) for name, value in {**means, MEAN: mean, WORST: worst}.items()}
        return {**scores, **classes}


def _by_class(iou: Mapping[str, float]) -> Dict[str, float]:
    """Return the entries of the classes that occur."""
    return {f'IoU/{name}': round(value, 2) for name, value in iou.items() if np.isfinite(value)}
