"""Predicting with a model during its training, and with the same result in every process."""
import contextlib
from typing import Iterator

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel


@contextlib.contextmanager
def predicting(model: nn.Module) -> Iterator[None]:
    """Run a block with a model in eval mode and without gradients, and restore its state afterwards.

    The modes of all submodules, torch's random generators, and DDP's flag for synchronising its buffers are restored.
    Without the latter, a child in DDP that predicts in only one process would wait for the others, now or at the next
    call.

    Args:
        model (nn.Module): The model, not wrapped itself; its children may be wrapped.
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
        for module, mode in modes:  # not with train(), which submodules may override
            module.training = mode
        for child, sync in syncs:
            child.require_forward_param_sync = sync


@contextlib.contextmanager
def predicting_alike() -> Iterator[None]:
    """Run a block in which cuDNN chooses the same deterministic algorithms in every process and every run."""
    cudnn = torch.backends.cudnn
    before = cudnn.benchmark, cudnn.deterministic
    cudnn.benchmark, cudnn.deterministic = False, True
    try:
        yield
    finally:
        cudnn.benchmark, cudnn.deterministic = before
