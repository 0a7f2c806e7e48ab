"""The channels-last memory format for single segmentors."""
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from ...compat import fastest_memory_format


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Trains and evaluates any segmentor in the channels-last memory format, which is faster for most CNNs.

    The arithmetic is the same. Trainings differ by rounding, because sums have another order, and by the masks that
    dropout draws. Checkpoints are not changed.

    The methods of this project need no hook: they have the option `channels_last`, which is True.

    Example:
        >>> custom_hooks = [dict(type='ChannelsLastHook')]
    """

    def before_run(self, runner: Runner) -> None:
        """Change the format of the weights; layers pass it on to the images."""
        runner.model.to(memory_format=fastest_memory_format(runner.model))
