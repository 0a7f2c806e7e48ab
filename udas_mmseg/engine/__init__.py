"""Loops, hooks and launching."""
from .atomic_backend import AtomicLocalBackend
from .hooks import CheckFiniteLossHook
from .loops import PositionTrainLoop

__all__ = ['AtomicLocalBackend', 'CheckFiniteLossHook', 'PositionTrainLoop']
