"""Convolutions whose gradients are slow on CPUs, with fast ones."""
from torch import nn

from .dense import FastConv2d, is_slow_dense
from .depthwise import FastDepthwiseConv2d, is_slow_depthwise

__all__ = ['use_fast_convolutions']

_FAST = ((is_slow_depthwise, FastDepthwiseConv2d), (is_slow_dense, FastConv2d))


def use_fast_convolutions(module: nn.Module) -> int:
    """Give the convolutions of a network fast gradients on CPUs; weights, names and outputs stay.

    Args:
        module (nn.Module): A network, which is changed in place.

    Returns:
        int: The number of convolutions that were changed.
    """
    found = [(conv, fast) for conv in module.modules() for is_slow, fast in _FAST if is_slow(conv)]
    for conv, fast in found:
        conv.__class__ = fast
    return len(found)
