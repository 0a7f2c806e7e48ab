"""A hook that updates the EMA teacher of a model."""
from typing import Optional

from mmengine.dist import broadcast
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from ...utils.processes import unwrap


@HOOKS.register_module()
class EMATeacherHook(Hook):
    """Update the teacher of a `StudentTeacherSegmentor` after each optimizer step.

    With gradient accumulation, this is every `accumulative_counts` iterations. The teacher and the number of updates
    are in the model's state dict, so resuming is exact. With several processes, each process updates its own teacher
    from the same weights. If batch norm is not synchronised, its running statistics may differ between processes;
    before a validation, all processes get the teacher of rank 0.

    Raises:
        ValueError: before training, if the model has no teacher.

    Example:
        >>> model = dict(type='StudentTeacherSegmentor', segmentor=..., ema_teacher=dict(momentum=0.999))
        >>> custom_hooks = [dict(type='EMATeacherHook')]
    """
    priority = 'NORMAL'  # CheckpointHook is VERY_LOW

    def before_train(self, runner: Runner) -> None:
        """Find the teacher."""
        if getattr(unwrap(runner.model), 'teacher', None) is None:
            raise ValueError(f'EMATeacherHook: the model, a {type(unwrap(runner.model)).__name__}, has no teacher. '
                             'Use model=dict(type="StudentTeacherSegmentor", ema_teacher=dict(momentum=0.999), ...), '
                             'or remove the hook from custom_hooks.')

    def after_train_iter(self,
                         runner: Runner,
                         batch_idx: int,
                         data_batch: Optional[dict] = None,
                         outputs: Optional[dict] = None) -> None:
        """Update the teacher if there was an optimizer step in this iteration."""
        if runner.optim_wrapper.should_update():
            model = unwrap(runner.model)
            model.teacher.update(model.segmentor)

    def before_val_epoch(self, runner: Runner) -> None:
        """Copy the teacher of rank 0, which is the one in checkpoints, to all ranks."""
        for value in unwrap(runner.model).teacher.state_dict().values():
            broadcast(value)
