"""Mixed precision without an accelerator."""
from contextlib import contextmanager
from typing import Any, Iterator

import torch
from mmengine.optim import OptimWrapper
from mmseg.registry import OPTIM_WRAPPERS
from torch import Tensor


@OPTIM_WRAPPERS.register_module(force=True)
class CpuAmpOptimWrapper(OptimWrapper):
    """MMEngine's AmpOptimWrapper needs an accelerator: the same on the CPU, with a static loss scale."""

    def __init__(self, dtype: str, loss_scale: float = 1., **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dtype, self.loss_scale = getattr(torch, dtype), loss_scale

    @contextmanager
    def optim_context(self, model: torch.nn.Module) -> Iterator[None]:
        with super().optim_context(model), torch.autocast('cpu', self.dtype):
            yield

    def backward(self, loss: Tensor, **kwargs: Any) -> None:
        super().backward(loss * self.loss_scale, **kwargs)

    def step(self, **kwargs: Any) -> None:
        for group in self.optimizer.param_groups:
            for parameter in group['params']:
                parameter.grad /= self.loss_scale
        super().step(**kwargs)
