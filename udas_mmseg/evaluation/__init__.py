"""Metrics."""
from .pseudo_label_quality_metric import PseudoLabelQualityMetric
from .subset_iou_metric import SYNTHIA_13, SYNTHIA_16, SubsetIoUMetric

__all__ = ['PseudoLabelQualityMetric', 'SYNTHIA_13', 'SYNTHIA_16', 'SubsetIoUMetric']
