"""Pseudo-labels: predicting and writing them, scores, and reports."""
from .quality import CollapsedPseudoLabels, check_pseudo_labels, coverage, label_change, markdown_coverage

__all__ = ['CollapsedPseudoLabels', 'check_pseudo_labels', 'coverage', 'label_change', 'markdown_coverage']
