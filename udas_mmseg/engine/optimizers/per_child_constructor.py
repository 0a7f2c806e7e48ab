"""Separate optimizers for the children of a model."""
from typing import Dict, Optional

from mmengine.model import MMSeparateDistributedDataParallel, is_model_wrapper
from mmengine.optim import OptimWrapper, OptimWrapperDict, build_optim_wrapper
from mmseg.registry import OPTIM_WRAPPER_CONSTRUCTORS
from torch import nn

from ...utils.processes import unwrap


class PerChildOptimWrapperDict(OptimWrapperDict):
    """An `OptimWrapperDict` that tells its wrappers the current iteration.

    MMEngine's class does not do this. Gradient accumulation would then start at 0 after resuming, and the last few
    iterations of a run would be lost.
    """

    def initialize_count_status(self, model: nn.Module, cur_iter: int, max_iters: int) -> None:
        """Set the current iteration of each wrapper."""
        for wrapper in self.optim_wrappers.values():
            wrapper.initialize_count_status(model, cur_iter, max_iters)


@OPTIM_WRAPPER_CONSTRUCTORS.register_module()
class PerChildOptimWrapperConstructor:
    """Builds an optimizer wrapper for each direct child of a model that has trainable parameters.

    Each entry of `optim_wrapper` except `constructor` is an ordinary `optim_wrapper` config for the child with this
    name. It has its own optimizer, `paramwise_cfg`, `clip_grad`, `accumulative_counts` and AMP. Parameter names in its
    `paramwise_cfg` are relative to the child.

    Args:
        optim_wrapper_cfg (dict): Child name -> `optim_wrapper` config; None removes an inherited entry.
        paramwise_cfg (dict, optional): Not allowed here, because it belongs to a child.

    Raises:
        TypeError: if the model is wrapped for several processes, but not by `MMSeparateDistributedDataParallel`.
        ValueError: if a child with trainable parameters has no optimizer, or there is an entry for another name.

    Example:
        >>> optim_wrapper = dict(
        >>>     constructor='PerChildOptimWrapperConstructor',
        >>>     segmentor=dict(
        >>>         optimizer=dict(type='SGD', lr=2.5e-4),
        >>>         paramwise_cfg=dict(custom_keys=dict(decode_head=dict(lr_mult=10.)))),
        >>>     discriminators=dict(optimizer=dict(type='Adam', lr=1e-4, betas=(0.9, 0.99))))
    """

    def __init__(self, optim_wrapper_cfg: dict, paramwise_cfg: Optional[dict] = None) -> None:
        if paramwise_cfg is not None:
            raise ValueError(f'paramwise_cfg={paramwise_cfg} is outside the entries of the children. Move it into the '
                             'entry of a child, e.g. optim_wrapper.segmentor.paramwise_cfg.')
        self.optim_wrapper_cfg = {
            name: cfg
            for name, cfg in optim_wrapper_cfg.items() if name != 'type' and cfg is not None
        }

    def __call__(self, model: nn.Module) -> OptimWrapperDict:
        """Build the optimizer wrappers of a model, which may be wrapped for several processes."""
        if is_model_wrapper(model) and not isinstance(model, MMSeparateDistributedDataParallel):
            raise TypeError(f'{type(model).__name__} wraps the model as a whole and never calls its `train_step`, so '
                            'children with their own optimizers would not be trained correctly. Set '
                            'model_wrapper_cfg=dict(type="MMSeparateDistributedDataParallel") in the config.')
        module = unwrap(model)
        children = {
            name: child
            for name, child in module.named_children() if any(p.requires_grad for p in child.parameters())
        }
        given = set(self.optim_wrapper_cfg)
        if given != set(children):
            raise ValueError(f'{type(module).__name__} trains the children {sorted(children)}, but optim_wrapper has '
                             f'entries for {sorted(given)}. Give each child exactly one entry, e.g. '
                             'optim_wrapper.discriminators=dict(optimizer=dict(type="Adam", lr=1e-4)).')
        wrappers: Dict[str, OptimWrapper] = {}
        for name, cfg in self.optim_wrapper_cfg.items():
            if not isinstance(cfg, dict) or 'optimizer' not in cfg:
                raise ValueError(f'optim_wrapper.{name}={cfg!r} has no `optimizer`. Write dict(optimizer=dict('
                                 'type="SGD", lr=2.5e-4)).')
            wrappers[name] = build_optim_wrapper(children[name], dict(cfg))
        return PerChildOptimWrapperDict(**wrappers)
