"""Running and comparing tiny trainings."""
import pytest
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from torch import Tensor


def train(cfg: Config) -> Runner:
    runner = Runner.from_cfg(cfg)
    runner.train()
    return runner


def same_weights(first: Runner, second: Runner) -> bool:
    a, b = first.model.state_dict(), second.model.state_dict()
    return a.keys() == b.keys() and all(_equal(a[key], b[key]) for key in a)


def _equal(a: Tensor, b: Tensor) -> bool:
    return bool((a == b).all())


@HOOKS.register_module(force=True)
class StopAfter(Hook):
    """Breaks off behind a checkpoint, as a machine does."""
    priority = 'LOWEST'

    def __init__(self, iteration: int) -> None:
        self.iteration = iteration

    def after_train_iter(self, runner, *args, **kwargs) -> None:
        if runner.iter + 1 == self.iteration:
            raise KeyboardInterrupt


def interrupt(cfg: Config, iteration: int) -> None:
    cfg = cfg.copy()
    cfg.custom_hooks = [*cfg.custom_hooks, dict(type='StopAfter', iteration=iteration)]
    with pytest.raises(KeyboardInterrupt):
        train(cfg)


def resumed(cfg: Config, **changes: object) -> Runner:
    cfg = cfg.copy()
    cfg.resume = True
    cfg.experiment_name += '_resumed'
    cfg.merge_from_dict(changes)
    return train(cfg)
