"""Floating point precision in losses."""
import torch
from torch import Tensor


def at_least_float32(values: Tensor) -> Tensor:
    """Convert float16 and bfloat16 to float32, which logarithms and sums over pixels need under AMP."""
    return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values
