"""A hook that tells the watchdog of several processes when a step begins and ends."""
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from ...utils.watchdog import Section


@HOOKS.register_module()
class WatchHook(Hook):
    """Watch training steps and the batches of a validation or test, but not what other hooks do after them.

    A checkpoint may be written slowly, and a metric may take long at the end of a validation. `build_runner` adds this
    hook to every run of several processes.
    """
    priority = 'VERY_HIGH'  # a step ends before the other hooks work

    def __init__(self) -> None:
        self._sections = dict(train=Section('a training step', alone=False),
                              val=Section('a batch of the validation', alone=True),
                              test=Section('a batch of the test', alone=True))

    def _before_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, mode: str = 'train') -> None:
        self._sections[mode].begin()

    def _after_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None,
                    mode: str = 'train') -> None:
        self._sections[mode].end()
