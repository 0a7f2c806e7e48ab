"""Precision of what is summed."""
import torch
from torch import Tensor


def at_least_float32(values: Tensor) -> Tensor:
    """Raise half precision to float32 and leave the rest: logarithms and sums over pixels need it under AMP."""
    return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values
