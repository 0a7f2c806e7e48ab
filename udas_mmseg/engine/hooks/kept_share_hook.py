"""A hook that notices a threshold which leaves nearly no labels of a teacher."""
from typing import Any, Dict, List, Optional

import torch
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from torch import Tensor

from ...utils.processes import unwrap
from .patience import Patience

_SHARE = 'target.kept'  # in the logs of a training step


@HOOKS.register_module()
class KeptShareHook(Hook):
    """Warn or stop if a teacher is confident of nearly no pixels for long, so that nothing is learnt from its labels.

    The share of pixels whose confidence reaches the threshold is averaged over all processes. A resumed run counts the
    iterations anew.

    Args:
        min_share (float): Lowest share of the pixels, in (0, 1]. Defaults to 0.001.
        patience (int): Number of iterations in which the share must be lower. Defaults to 500.
        interval (int): Number of iterations that are averaged, at most `patience`. Defaults to 50.
        action (str): 'warn' (in the log, every `patience` iterations) or 'stop' (with an error). Defaults to 'warn'.

    Raises:
        ValueError: if an argument is outside its range; before training, if the model has no teacher.
        RuntimeError: in training, with `action='stop'`.

    Example:
        >>> custom_hooks = [dict(type='EMATeacherHook'), dict(type='KeptShareHook', patience=100)]
    """
    priority = 'NORMAL'

    def __init__(self, min_share: float = 0.001, patience: int = 500, interval: int = 50, action: str = 'warn') -> None:
        if not 0 < min_share <= 1:
            raise ValueError(f'KeptShareHook: min_share={min_share}: it must be above 0 and at most 1.')
        self.min_share = min_share
        self.patience = Patience('KeptShareHook', patience, interval, action)
        self._shares: List[Tensor] = []

    def before_train(self, runner: Runner) -> None:
        """Check that the model has a teacher."""
        if getattr(unwrap(runner.model), 'teacher', None) is None:
            raise ValueError(f'KeptShareHook: a {type(unwrap(runner.model)).__name__} has no teacher whose labels are '
                             'kept or not. Set ema_teacher in the model, or remove the hook from custom_hooks.')

    def after_train_iter(self,
                         runner: Runner,
                         batch_idx: int,
                         data_batch: Optional[dict] = None,
                         outputs: Optional[Dict[str, Any]] = None) -> None:
        """Look at the shares of the last iterations."""
        if _SHARE in (outputs or {}):
            self._shares.append(outputs[_SHARE])  # type: ignore[index]
        if not self.every_n_train_iters(runner, self.patience.interval) or not self._shares:
            return
        mean = torch.stack(self._shares).mean()
        all_reduce(mean, 'mean')
        self._shares = []
        if self.patience.is_exhausted(float(mean) < self.min_share):
            self.patience.report(runner, self._message(runner, float(mean)))

    def _message(self, runner: Runner, share: float) -> str:
        threshold = unwrap(runner.model).labeling.threshold
        return (f'for {self.patience.iterations} iterations, the teacher has reached threshold={threshold} for less '
                f'than {100 * self.min_share:g} % of the target pixels, in the last {self.patience.interval} for '
                f'{100 * share:.3f} %. Nearly nothing is learnt from unlabelled images. Lower the threshold of '
                'ema_teacher, begin with a trained model (load_from), or train longer on labelled images first '
                '(ema_teacher.weight=dict(weight=1, begin=...)).')
