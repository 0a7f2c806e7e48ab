"""A hook that notices a teacher that gives nearly all pixels to one class."""
from typing import Optional

from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from ...utils.processes import unwrap
from .patience import Patience

_LISTED = 5  # number of classes in the message


@HOOKS.register_module()
class TeacherCollapseHook(Hook):
    """Warn or stop if the teacher of an `OnlineLabelingSegmentor` gives nearly all pixels to one class for long.

    Such a teacher does not recover: the student learns the one class from it, and the teacher follows the student. The
    classes are counted over all processes. A resumed run counts the iterations anew.

    Args:
        max_share (float): Share of the labelled pixels, in (0, 1]. Defaults to 0.98. Use a higher one if a class fills
            nearly all pixels of the target.
        patience (int): Number of iterations in which a class must have this share. Defaults to 500.
        interval (int): Number of iterations that are counted together, at most `patience`. Defaults to 50.
        action (str): 'warn' (in the log, every `patience` iterations) or 'stop' (with an error). Defaults to 'warn'.

    Raises:
        ValueError: if an argument is outside its range; before training, if the model does not count labels.
        RuntimeError: in training, with `action='stop'`.

    Example:
        >>> custom_hooks = [dict(type='EMATeacherHook'), dict(type='TeacherCollapseHook', action='stop')]
    """
    priority = 'NORMAL'

    def __init__(self, max_share: float = 0.98, patience: int = 500, interval: int = 50, action: str = 'warn') -> None:
        if not 0 < max_share <= 1:
            raise ValueError(f'TeacherCollapseHook: max_share={max_share}: it must be above 0 and at most 1.')
        self.max_share = max_share
        self.patience = Patience('TeacherCollapseHook', patience, interval, action)
        self._class: Optional[int] = None  # with nearly all pixels

    def before_train(self, runner: Runner) -> None:
        """Check that the model counts labels."""
        if not hasattr(unwrap(runner.model), 'take_label_counts'):
            raise ValueError(f'TeacherCollapseHook: a {type(unwrap(runner.model)).__name__} does not count the labels '
                             'of a teacher. Use OnlineSelfTrainingSegmentor or SemiSupervisedSegmentor, or remove the '
                             'hook from custom_hooks.')

    def after_train_iter(self,
                         runner: Runner,
                         batch_idx: int,
                         data_batch: Optional[dict] = None,
                         outputs: Optional[dict] = None) -> None:
        """Look at the labels of the last iterations."""
        if not self.every_n_train_iters(runner, self.patience.interval):
            return
        counts = unwrap(runner.model).take_label_counts()
        all_reduce(counts)
        shares = (counts / counts.sum().clamp(min=1)).tolist()
        first = max(range(len(shares)), key=shares.__getitem__)
        if first != self._class:
            self.patience.reset()
        self._class = first
        if self.patience.is_exhausted(shares[first] >= self.max_share):
            self.patience.report(runner, self._message(runner, shares))

    def _message(self, runner: Runner, shares: list) -> str:
        names = runner.train_dataloader.dataset.metainfo.get('classes') or range(len(shares))
        largest = sorted(zip(shares, names), reverse=True)[:_LISTED]
        listed = ', '.join(f'{name} {100 * share:.1f} %' for share, name in largest)
        return (f'for {self.patience.iterations} iterations, the teacher has given at least '
                f'{100 * self.max_share:g} % of the pixels to one class: {listed}. Its labels are useless if the '
                'target has other classes. Begin with an adapted model (load_from), normalise the teacher by the batch '
                '(teacher_norm="batch"), or let the losses on its labels begin later (ema_teacher.weight).')
