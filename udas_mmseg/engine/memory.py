"""The key `memory` of a config, with which any training fits into less memory of a GPU."""
import inspect
import os.path as osp
from typing import Any, Dict, Iterator, Mapping, Optional, Union

import torch
from mmengine.config import Config
from mmseg.registry import MODELS

from ..utils.config_dicts import config_dicts
from ..utils.project import PROJECT

TIERS = ('8gb', '11gb', '24gb', '80gb')
_CHECKPOINTING = 'with_cp'  # argument of MMSegmentation's backbones
_OPTIONS: Dict[str, tuple] = dict(amp=(None, 'float16', 'bfloat16'), checkpointing=(None, True, False),
                                  accumulate=(False, True))
_ITERATIONS = ('begin', 'end', 'ramp')  # of schedules and loss terms


def apply_memory(cfg: Config) -> None:
    """Apply the key `memory` of a config, in place. Without the key, nothing changes.

    Args:
        cfg (Config): A config of a training whose `memory` is the name of a file in `configs/_base_/memory` ('8gb',
            '11gb', '24gb', '80gb'), or a dict with some of

            - `amp`: 'float16' or 'bfloat16' for mixed precision on a GPU, unless `tools/train.py --amp` says another;
            - `checkpointing`: whether backbones compute activations again in the backward pass (`with_cp`);
            - `accumulate`: whether a step has one image of each branch, and so many steps one update that it has the
              same images as before. Iterations of schedules, validations and checkpoints are multiplied. Trainings
              with several optimizers keep their batch.

            Afterwards, only `amp` is left in it, see `memory_amp`.

    Raises:
        ValueError: for an unknown name or option.

    Example:
        >>> cfg = Config(dict(memory=dict(checkpointing=True), model=dict(backbone=dict(type='ResNet', depth=50))))
        >>> apply_memory(cfg)
        >>> cfg.model.backbone.with_cp, cfg.memory
        (True, {})
    """
    if cfg.get('memory') is None:
        return
    options = _read(cfg.memory)
    if options.get('checkpointing') is not None:
        for backbone in _backbones(cfg.get('model')):
            backbone[_CHECKPOINTING] = options['checkpointing']
    if options.get('accumulate'):
        _accumulate(cfg)
    cfg.memory = {key: value for key, value in options.items() if key == 'amp'}


def memory_amp(cfg: Mapping[str, Any]) -> Optional[str]:
    """Return the mixed precision that `memory` asks for; None without a GPU, where memory is not that of a tier."""
    return (cfg.get('memory') or {}).get('amp') if torch.cuda.is_available() else None


def _read(memory: Union[str, Mapping[str, Any]]) -> Dict[str, Any]:
    """Return the options, those of a file for a name."""
    if isinstance(memory, str) and memory not in TIERS:
        raise ValueError(f'memory={memory!r}: allowed are {", ".join(TIERS)} (configs/_base_/memory), or a dict with '
                         f'{", ".join(_OPTIONS)}.')
    options: Mapping[str, Any] = (
        Config.fromfile(osp.join(PROJECT, f'configs/_base_/memory/{memory}.py')).memory if isinstance(memory, str)
        else memory)
    for key, value in options.items():
        if key not in _OPTIONS or value not in _OPTIONS[key]:
            allowed = '; '.join(f'{name}: {", ".join(map(repr, values))}' for name, values in _OPTIONS.items())
            raise ValueError(f'memory.{key}={value!r}: allowed are {allowed}.')
    return dict(options)


def _backbones(model: Any) -> Iterator[Dict[str, Any]]:
    """Iterate over the configs of backbones that can compute activations again."""
    for path, part in config_dicts(model):
        if path.rpartition('.')[2] == 'backbone' and 'type' in part:
            kind = part['type'] if isinstance(part['type'], type) else MODELS.get(part['type'])
            bases = getattr(kind, '__mro__', ())  # none for a name that building the model will refuse
            if any(_CHECKPOINTING in inspect.signature(base.__init__).parameters for base in bases):
                yield part


def _accumulate(cfg: Config) -> None:
    """Split a batch into steps of one image."""
    wrapper, loader = cfg.get('optim_wrapper') or {}, cfg.get('train_dataloader') or {}
    count = loader.get('batch_size', 1)
    if 'optimizer' not in wrapper or count == 1:
        return
    loader['batch_size'] = 1
    wrapper['accumulative_counts'] = count * wrapper.get('accumulative_counts', 1)
    loop = cfg.train_cfg
    for key in ('max_iters', 'val_interval', 'val_begin'):
        if key in loop:
            loop[key] *= count
    for _, part in config_dicts([cfg.get('param_scheduler'), cfg.get('model')]):
        for key in _ITERATIONS:
            if type(part.get(key)) is int:
                part[key] *= count
    checkpoint = (cfg.get('default_hooks') or {}).get('checkpoint') or {}
    if 'interval' in checkpoint:  # checkpoints do not contain partly accumulated gradients
        checkpoint['interval'] *= count
