"""Metrics."""
from .subset_iou_metric import SYNTHIA_13, SYNTHIA_16, SubsetIoUMetric

__all__ = ['SYNTHIA_13', 'SYNTHIA_16', 'SubsetIoUMetric']
