"""Self-training in rounds."""
from .lock import WorkDirError
from .plan import plan_stages
from .runner import SelfTrainingRunner
from .stage import REQUIRED, STAGE_KINDS, RunContext, Stage

__all__ = ['REQUIRED', 'RunContext', 'STAGE_KINDS', 'SelfTrainingRunner', 'Stage', 'WorkDirError', 'plan_stages']
