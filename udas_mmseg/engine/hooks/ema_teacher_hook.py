"""Let a model's teacher follow its student."""
from typing import Optional

from mmengine.dist import broadcast
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from ...utils.processes import unwrap


@HOOKS.register_module()
class EMATeacherHook(Hook):
    """Update the teacher of a `StudentTeacherSegmentor` after each step of the optimizer.

    With gradient accumulation that is every `accumulative_counts` iterations. Teacher and number of updates are in the
    model's state dict, so that a resumed run goes on as if it had not been interrupted. With several processes each
    updates its own from the same weights; running statistics of batch norm may differ where they are not synchronised,
    and those of rank 0 are given to all before a validation.

    Raises:
        ValueError: before training, if the model has no teacher.

    Example:
        >>> model = dict(type='StudentTeacherSegmentor', segmentor=..., ema_teacher=dict(momentum=0.999))
        >>> custom_hooks = [dict(type='EMATeacherHook')]
    """
    priority = 'NORMAL'  # CheckpointHook is VERY_LOW

    def before_train(self, runner: Runner) -> None:
        """Look for the teacher."""
        if getattr(unwrap(runner.model), 'teacher', None) is None:
            raise ValueError(f'EMATeacherHook: the model, a {type(unwrap(runner.model)).__name__}, has no teacher. '
                             'Use model=dict(type="StudentTeacherSegmentor", ema_teacher=dict(momentum=0.999), ...), '
                             'or take the hook out of custom_hooks.')

    def after_train_iter(self,
                         runner: Runner,
                         batch_idx: int,
                         data_batch: Optional[dict] = None,
                         outputs: Optional[dict] = None) -> None:
        """Follow, if the optimizer has stepped in this iteration."""
        if runner.optim_wrapper.should_update():
            model = unwrap(runner.model)
            model.teacher.update(model.segmentor)

    def before_val_epoch(self, runner: Runner) -> None:
        """Give the teacher of rank 0, which is the one that is saved, to all ranks."""
        for value in unwrap(runner.model).teacher.state_dict().values():
            broadcast(value)
