"""Pseudo-labels: making, writing, judging and reporting on them."""
from .quality import CollapsedPseudoLabels, check_pseudo_labels, coverage, label_change, markdown_coverage

__all__ = ['CollapsedPseudoLabels', 'check_pseudo_labels', 'coverage', 'label_change', 'markdown_coverage']
