"""Optimizers."""
from .per_child_constructor import PerChildOptimWrapperConstructor, PerChildOptimWrapperDict

__all__ = ['PerChildOptimWrapperConstructor', 'PerChildOptimWrapperDict']
