"""Running and comparing tiny trainings."""
from pathlib import Path
from typing import Dict, Tuple

import pytest
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import HOOKS
from torch import Tensor

from two_processes import launch_two


def train(cfg: Config) -> Runner:
    runner = Runner.from_cfg(cfg)
    runner.train()
    return runner


_trained: Dict[str, Runner] = {}


def train_once(cfg: Config) -> Runner:
    """Train, or return the runner that trained the same config in the folder of another test, whose data are equal."""
    entries = cfg.to_dict()
    folder = str(Path(entries.pop('work_dir')).absolute().parent)
    entries.pop('experiment_name')
    key = repr(entries).replace(folder, '')
    if key not in _trained:
        _trained[key] = train(cfg)
    return _trained[key]


def same_weights(first: Runner, second: Runner) -> bool:
    a, b = first.model.state_dict(), second.model.state_dict()
    return a.keys() == b.keys() and all(_equal(a[key], b[key]) for key in a)


def _equal(a: Tensor, b: Tensor) -> bool:
    return bool((a == b).all())


@HOOKS.register_module(force=True)
class StopAfter(Hook):
    """Breaks off after a checkpoint, as a machine does."""
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


LAUNCH = '''
import sys
import torch
from mmengine.config import Config
import udas_mmseg
from udas_mmseg.engine.launch import build_runner, init_distributed
cfg = Config.fromfile(sys.argv[1])
init_distributed(cfg, 'pytorch')
runner = build_runner(cfg)
runner.train()
model = runner.model.module
kept = {domain: torch.cat(buffer.image_buffer) for domain, buffer in getattr(model, 'image_buffers', {}).items()
        if getattr(buffer, 'image_buffer', [])}
torch.save(dict(weights=dict(model.state_dict()), buffers=kept), f'{sys.argv[2]}{runner.rank}.pth')
'''


def train_in_two_processes(cfg: Config, folder: Path) -> Tuple[int, str]:
    """Train in two processes, which leave weights and image buffers in `<folder>/rank<0, 1>.pth`.

    Returns:
        tuple[int, str]: Exit status and output.
    """
    (folder / 'launch.py').write_text(LAUNCH)
    cfg.dump(str(folder / 'config.py'))
    return launch_two(str(folder / 'launch.py'), str(folder / 'config.py'), str(folder / 'rank'))
