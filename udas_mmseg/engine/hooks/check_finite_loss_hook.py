"""Stop a run whose loss is not a number."""
import math
from typing import Optional

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS


@HOOKS.register_module()
class CheckFiniteLossHook(Hook):
    """Stop with the iteration and the terms as soon as a loss is NaN or infinite.

    It runs before MMEngine's `CheckpointHook`, so that the weights it spoiled are never saved and the last checkpoint
    stays good.

    Raises:
        FloatingPointError: naming the iteration, every term, and what to do.
    """
    priority = 'NORMAL'  # CheckpointHook is VERY_LOW

    def after_train_iter(self,
                         runner: Runner,
                         batch_idx: int,
                         data_batch: Optional[dict] = None,
                         outputs: Optional[dict] = None) -> None:
        """Look at every loss term that the model reports."""
        outputs = outputs or {}
        terms = {name: float(torch.as_tensor(value).detach()) for name, value in outputs.items() if 'loss' in name}
        if all(math.isfinite(value) for value in terms.values()):
            return
        listed = ', '.join(f'{name}={value:.6g}' for name, value in terms.items())
        raise FloatingPointError(
            f'the loss is not finite at iteration {runner.iter + 1}: {listed}. Nothing was saved after the last good '
            f'checkpoint in {runner.work_dir}. Resume from it with a smaller learning rate or gradient clipping '
            '(optim_wrapper.clip_grad), or with bfloat16 instead of float16 under AMP.')
