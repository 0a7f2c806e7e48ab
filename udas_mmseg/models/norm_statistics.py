"""Normalisation with the statistics of a batch in batch norm layers that are in eval mode."""
import contextlib
import itertools
from typing import Any, Iterable, Iterator, List

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


def norm_layers(network: nn.Module) -> List[nn.Module]:
    """Return the batch norm layers of a network that have running statistics."""
    return [module for module in network.modules()
            if isinstance(module, _BatchNorm) and module.running_mean is not None]


@contextlib.contextmanager
def normalising_by_batch(norms: Iterable[nn.Module], average: bool = False) -> Iterator[None]:
    """Let batch norm layers normalise with the mean and variance of each batch, inside a block.

    Torch's training mode is not used, because it also updates the running statistics, and because synchronised batch
    norm would wait for the other processes in it. Other layers, such as dropout, are not affected.

    Args:
        norms (Iterable[nn.Module]): Batch norm layers.
        average (bool): Whether the running statistics become the averages of those of all batches that pass a layer
            inside the block. Defaults to False: they are not changed.
    """
    norms = list(norms)

    def by_batch(norm: nn.Module) -> Any:
        number = itertools.count(1)

        def forward(values: Tensor) -> Tensor:
            mean, var, share = (norm.running_mean, norm.running_var, 1 / next(number)) if average else (None, None, 0.)
            return F.batch_norm(values, mean, var, norm.weight, norm.bias, True, share, norm.eps)

        return forward

    try:
        for norm in norms:
            norm.forward = by_batch(norm)
        yield
    finally:
        for norm in norms:
            norm.__dict__.pop('forward', None)
