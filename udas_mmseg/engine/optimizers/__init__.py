"""Optimizers."""
from .layer_decay_constructor import LayerDecayConstructor
from .per_child_constructor import PerChildOptimWrapperConstructor, PerChildOptimWrapperDict

__all__ = ['LayerDecayConstructor', 'PerChildOptimWrapperConstructor', 'PerChildOptimWrapperDict']
