"""Predicting with a model that is being trained, and alike in every process."""
import contextlib
from typing import Iterator

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel


@contextlib.contextmanager
def predicting(model: nn.Module) -> Iterator[None]:
    """Run a block with a model in eval mode and without gradients, then put everything back as it was.

    Put back are the mode of each submodule, torch's random generators, and DDP's note of whether its buffers are in
    step: a child in DDP that predicts in one process alone would otherwise wait for the others, now or next time.

    Args:
        model (nn.Module): The model, not wrapped; its children may be.
    """
    modes = [(module, module.training) for module in model.modules()]
    syncs = [(module, module.require_forward_param_sync) for module in model.modules()
             if isinstance(module, DistributedDataParallel)]
    devices = [torch.cuda.current_device()] if torch.cuda.is_initialized() else []
    try:
        model.eval()
        for child, _ in syncs:
            child.require_forward_param_sync = False
        with torch.no_grad(), torch.random.fork_rng(devices):
            yield
    finally:
        for module, mode in modes:  # not train(), which submodules override
            module.training = mode
        for child, sync in syncs:
            child.require_forward_param_sync = sync


@contextlib.contextmanager
def predicting_alike() -> Iterator[None]:
    """Let cuDNN choose the same algorithms in every process and every run, such as sums in a fixed order."""
    cudnn = torch.backends.cudnn
    before = cudnn.benchmark, cudnn.deterministic
    cudnn.benchmark, cudnn.deterministic = False, True
    try:
        yield
    finally:
        cudnn.benchmark, cudnn.deterministic = before
