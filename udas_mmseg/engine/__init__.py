"""Loops, hooks and launching."""
from .hooks import CheckFiniteLossHook
from .loops import PositionTrainLoop

__all__ = ['CheckFiniteLossHook', 'PositionTrainLoop']
