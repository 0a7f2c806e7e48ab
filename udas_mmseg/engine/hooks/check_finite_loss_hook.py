"""A hook that stops a run if its loss or weights are not finite."""
import math
from typing import Optional

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS


@HOOKS.register_module()
class CheckFiniteLossHook(Hook):
    """Stop the run as soon as a loss is NaN or infinite, and never save weights that are not finite.

    The hook runs before MMEngine's `CheckpointHook`, so that the last checkpoint remains good. Weights are checked
    before they are saved, because a finite loss can have gradients that are not finite, on any rank.

    Raises:
        FloatingPointError: if a loss or a weight is not finite; the message has the iteration, all loss terms (or the
            names of the weights), and advice.
    """
    priority = 'NORMAL'  # CheckpointHook is VERY_LOW

    def after_train_iter(self,
                         runner: Runner,
                         batch_idx: int,
                         data_batch: Optional[dict] = None,
                         outputs: Optional[dict] = None) -> None:
        """Check every loss term that the model reports."""
        outputs = outputs or {}
        terms = {name: float(torch.as_tensor(value).detach()) for name, value in outputs.items() if 'loss' in name}
        if all(math.isfinite(value) for value in terms.values()):
            return
        listed = ', '.join(f'{name}={value:.6g}' for name, value in terms.items())
        raise FloatingPointError(f'the loss is not finite at iteration {runner.iter + 1}: {listed}. {_advice(runner)}')

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Check the weights before they are saved."""
        bad = [name for name, value in checkpoint['state_dict'].items()
               if value.is_floating_point() and not bool(torch.isfinite(value).all())]
        if bad:
            raise FloatingPointError(f'{len(bad)} weights are not finite at iteration {runner.iter + 1}: '
                                     f'{", ".join(bad[:3])}{", ..." if len(bad) > 3 else ""}. {_advice(runner)}')


def _advice(runner: Runner) -> str:
    return (f'Nothing was saved after the last good checkpoint in {runner.work_dir}. Resume from it with a smaller '
            'learning rate or gradient clipping (optim_wrapper.clip_grad), or with bfloat16 instead of float16 under '
            'AMP.')
