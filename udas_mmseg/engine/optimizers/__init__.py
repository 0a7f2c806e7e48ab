"""Optimizers."""
from .cpu_bfloat16_optim_wrapper import CPUBFloat16OptimWrapper
from .layer_decay_constructor import LayerDecayConstructor
from .per_child_constructor import PerChildOptimWrapperConstructor, PerChildOptimWrapperDict

__all__ = [
    'CPUBFloat16OptimWrapper', 'LayerDecayConstructor', 'PerChildOptimWrapperConstructor', 'PerChildOptimWrapperDict'
]
