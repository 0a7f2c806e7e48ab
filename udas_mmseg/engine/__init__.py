"""Loops, hooks, optimizers and launching."""
from .atomic_backend import AtomicLocalBackend
from .hooks import CheckFiniteLossHook, EMATeacherHook, TargetNormStatisticsHook
from .loops import PositionTrainLoop
from .optimizers import PerChildOptimWrapperConstructor
from .runner import SelfTrainingRunner

__all__ = [
    'AtomicLocalBackend', 'CheckFiniteLossHook', 'EMATeacherHook', 'PerChildOptimWrapperConstructor',
    'PositionTrainLoop', 'SelfTrainingRunner', 'TargetNormStatisticsHook'
]
