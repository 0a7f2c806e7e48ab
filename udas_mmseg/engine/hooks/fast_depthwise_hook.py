"""Faster depthwise convolutions in trainings on a CPU."""
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from ...models.depthwise import use_fast_depthwise


@HOOKS.register_module()
class FastDepthwiseHook(Hook):
    """Gives the depthwise convolutions of the model a fast gradient on CPUs (`models/depthwise.py`).

    Outputs stay the same bit for bit, gradients differ by rounding, and checkpoints are not changed. On a GPU it does
    nothing. `tools/train.py --amp bfloat16` adds it on a CPU, where these gradients are slowest.

    Example:
        >>> custom_hooks = [dict(type='FastDepthwiseHook')]
    """

    def before_train(self, runner: Runner) -> None:
        """Change the convolutions."""
        count = use_fast_depthwise(runner.model)
        if count:
            runner.logger.info(f'{count} depthwise convolutions have a fast gradient on CPUs')
