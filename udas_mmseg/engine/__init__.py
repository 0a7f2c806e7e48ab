"""Loops, hooks, optimizers and launching."""
from .atomic_backend import AtomicLocalBackend
from .hooks import CheckFiniteLossHook
from .loops import PositionTrainLoop
from .optimizers import PerChildOptimWrapperConstructor

__all__ = ['AtomicLocalBackend', 'CheckFiniteLossHook', 'PerChildOptimWrapperConstructor', 'PositionTrainLoop']
