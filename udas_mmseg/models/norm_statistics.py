"""Normalisation with the statistics of a batch in batch norm layers that are in eval mode."""
import contextlib
from typing import Any, Iterable, Iterator, List, Optional

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


def norm_layers(network: nn.Module) -> List[nn.Module]:
    """Return the batch norm layers of a network that have running statistics."""
    return [module for module in network.modules()
            if isinstance(module, _BatchNorm) and module.running_mean is not None]


@contextlib.contextmanager
def normalising_by_batch(norms: Iterable[nn.Module], share: Optional[float] = None) -> Iterator[None]:
    """Let batch norm layers normalise with the mean and variance of each batch, inside a block.

    Torch's training mode is not used, because it also updates the running statistics, and because synchronised batch
    norm would wait for the other processes in it. Other layers, such as dropout, are not affected.

    Args:
        norms (Iterable[nn.Module]): Batch norm layers.
        share (float, optional): Weight in [0, 1] with which the running statistics are updated. Defaults to None: they
            are not changed.
    """
    norms = list(norms)

    def by_batch(norm: nn.Module) -> Any:

        def forward(values: Tensor) -> Tensor:
            mean, var = (None, None) if share is None else (norm.running_mean, norm.running_var)
            return F.batch_norm(values, mean, var, norm.weight, norm.bias, True, share or 0.0, norm.eps)

        return forward

    try:
        for norm in norms:
            norm.forward = by_batch(norm)
        yield
    finally:
        for norm in norms:
            norm.__dict__.pop('forward', None)
