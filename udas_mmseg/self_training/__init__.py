"""Self-training in rounds."""
from .lock import WorkDirError
from .runner import SelfTrainingRunner
from .stages import Stage, plan_stages

__all__ = ['SelfTrainingRunner', 'Stage', 'WorkDirError', 'plan_stages']
