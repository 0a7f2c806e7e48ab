"""Faster convolutions in trainings on a CPU."""
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from ...models.fast_conv import use_fast_convolutions


@HOOKS.register_module()
class FastConvHook(Hook):
    """Gives convolutions whose gradients are slow on CPUs faster ones (`models/fast_conv`).

    These are depthwise convolutions with a dilation, or in bfloat16 with a stride; and on processors with AVX2 but
    not AVX-512, all 3x3 and larger convolutions of channels-last images in float32. Outputs stay the same bit for bit,
    gradients differ by rounding, and checkpoints are not changed. On a GPU it does nothing. `tools/train.py --amp
    bfloat16` adds it on a CPU.

    Example:
        >>> custom_hooks = [dict(type='FastConvHook')]
    """

    def before_train(self, runner: Runner) -> None:
        """Change the convolutions."""
        count = use_fast_convolutions(runner.model)
        if count:
            runner.logger.info(f'{count} convolutions have a fast gradient on CPUs')
