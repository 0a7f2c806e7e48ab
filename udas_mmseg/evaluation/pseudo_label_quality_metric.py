"""A metric for the quality of the pseudo-labels that a model would give."""
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np
from mmengine.evaluator import BaseMetric
from mmseg.registry import METRICS

from ..datasets.thresholds import LEVELS, encode_confidence, lowest_kept
from ..models.max_confidence import confidence
from ..pseudo_labels.quality import count_agreement, measure_quality

# of one image: the indices of its nonzero counts, and these counts (a few kilobytes)
Cells = Tuple[np.ndarray, np.ndarray]
_SCORES = ('coverage', 'accuracy_kept', 'accuracy_all', 'mIoU_kept', 'mIoU_all', 'ece')


@METRICS.register_module()
class PseudoLabelQualityMetric(BaseMetric):
    """Scores the predictions of a model as pseudo-labels on labelled images, in a validation or test evaluator.

    A pseudo-label is a prediction with its confidence; see `measure_quality` for the scores.

    Args:
        threshold (float): Lowest confidence at which a pixel is kept. Defaults to 0.6.
        temperature (float): Temperature of the softmax, by which logits are divided. Defaults to 1.
        collect_device (str): See MMEngine's `BaseMetric`. Defaults to 'cpu'.
        prefix (str, optional): Prefix of each name, followed by `/`. Defaults to 'pseudo_label'.

    Returns of `compute_metrics`, in percent: `coverage`, `accuracy_kept`, `accuracy_all`, `mIoU_kept`, `mIoU_all`,
    `ece`, and `precision/<class>` and `recall/<class>` for classes that have pixels to count.

    Raises:
        ValueError: if the threshold is outside [0, 1], the temperature is not above 0, or a label has an id that is not
            a class.

    Example:
        >>> val_evaluator = [dict(type='IoUMetric'), dict(type='PseudoLabelQualityMetric', threshold=0.6)]
    """
    default_prefix = 'pseudo_label'

    def __init__(self,
                 threshold: float = 0.6,
                 temperature: float = 1.0,
                 collect_device: str = 'cpu',
                 prefix: Optional[str] = None) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        lowest_kept(threshold)
        self.threshold = threshold
        self.temperature = temperature

    def process(self, data_batch: Any, data_samples: Sequence[Mapping[str, Any]]) -> None:
        """Count one batch of predictions with ground truth."""
        num_classes = len(self.dataset_meta['classes'])
        for sample in data_samples:
            sure = encode_confidence(confidence(sample['seg_logits']['data'], self.temperature))
            label, truth = (sample[key]['data'].squeeze(0).cpu().numpy() for key in ('pred_sem_seg', 'gt_sem_seg'))
            try:
                counts = count_agreement(label, sure, truth, num_classes).ravel()
            except ValueError as error:
                raise ValueError(f'{sample.get("img_path", "an image")}: {error}') from error
            places = np.flatnonzero(counts)
            self.results.append((places.astype(np.int32), counts[places].astype(np.int32)))

    def compute_metrics(self, results: List[Cells]) -> Dict[str, float]:
        """Compute the scores over all images; see the class."""
        classes = self.dataset_meta['classes']
        counts = np.zeros(len(classes)**2 * LEVELS, np.int64)
        for places, found in results:
            counts[places] += found
        quality = measure_quality(counts.reshape(len(classes), len(classes), LEVELS), classes, self.threshold)
        flat = {key: quality[key] for key in _SCORES}
        flat.update({f'{key}/{name}': value for key in ('precision', 'recall') for name, value in quality[key].items()})
        return {name: round(100 * value, 2) for name, value in flat.items() if value is not None}
