"""Loops."""
from .position_train_loop import PositionTrainLoop

__all__ = ['PositionTrainLoop']
