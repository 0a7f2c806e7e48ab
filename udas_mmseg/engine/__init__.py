"""Training loops, hooks, optimizers, and starting runs."""
from .hooks import CheckFiniteLossHook, EMATeacherHook, TargetNormStatisticsHook
from .loops import PositionTrainLoop
from .optimizers import PerChildOptimWrapperConstructor

__all__ = [
    'CheckFiniteLossHook', 'EMATeacherHook', 'PerChildOptimWrapperConstructor', 'PositionTrainLoop',
    'TargetNormStatisticsHook'
]
