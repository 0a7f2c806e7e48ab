"""Optimizers."""
from .per_child_constructor import PerChildOptimWrapperConstructor, PerChildOptimWrapperDict, backward_without_update

__all__ = ['PerChildOptimWrapperConstructor', 'PerChildOptimWrapperDict', 'backward_without_update']
