"""Metrics."""
from .pseudo_label_quality import (
    CollapsedPseudoLabels,
    check_pseudo_labels,
    coverage,
    label_change,
    markdown_coverage,
)
from .pseudo_label_quality_metric import PseudoLabelQualityMetric
from .subset_iou_metric import SYNTHIA_13, SYNTHIA_16, SubsetIoUMetric

__all__ = [
    'CollapsedPseudoLabels', 'PseudoLabelQualityMetric', 'SYNTHIA_13', 'SYNTHIA_16', 'SubsetIoUMetric',
    'check_pseudo_labels', 'coverage', 'label_change', 'markdown_coverage'
]
