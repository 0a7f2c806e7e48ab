"""Training in bfloat16 on a CPU."""
import contextlib
from typing import Iterator

import torch
from mmengine.optim import OptimWrapper
from mmseg.registry import OPTIM_WRAPPERS
from torch import nn


@OPTIM_WRAPPERS.register_module()
class CPUBFloat16OptimWrapper(OptimWrapper):
    """MMEngine's `OptimWrapper`, whose forward passes run in bfloat16 on a CPU, by `torch.autocast`.

    MMEngine's `AmpOptimWrapper` needs a GPU. bfloat16 has the range of float32, so losses are not scaled. Weights,
    gradients of weights and the optimizer's state stay float32. On CPUs without bfloat16 instructions (AVX512-BF16 or
    AMX), it is slower than float32.

    Args:
        optimizer (torch.optim.Optimizer): The optimizer.
        **kwargs: Arguments of `OptimWrapper`: `clip_grad`, `accumulative_counts`.

    Example:
        >>> optim_wrapper = dict(type='CPUBFloat16OptimWrapper', optimizer=dict(type='AdamW', lr=1e-3))
    """

    @contextlib.contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Run a forward pass in bfloat16.

        Args:
            model (nn.Module): The model, whose gradients are not synchronised while they accumulate.
        """
        with super().optim_context(model), torch.autocast('cpu', torch.bfloat16):
            yield
