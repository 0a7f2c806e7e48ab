"""Running and comparing tiny trainings."""
from mmengine.config import Config
from mmengine.runner import Runner
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
