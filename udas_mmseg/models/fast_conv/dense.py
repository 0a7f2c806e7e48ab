"""Convolutions with a fast weight gradient on CPUs that have AVX2, but not AVX-512."""
from typing import Any, Optional

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.autograd.function import once_differentiable


class _DenseConv(torch.autograd.Function):
    """A convolution whose weight gradient is computed by matrix products, one for each position of the kernel."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, bias: Optional[torch.Tensor], stride: tuple,
                padding: tuple, dilation: tuple) -> torch.Tensor:
        ctx.save_for_backward(x, weight)
        ctx.geometry = stride, padding, dilation
        return F.conv2d(x, weight, bias, stride, padding, dilation)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple:
        x, weight = ctx.saved_tensors
        grad_x = grad_weight = None
        if ctx.needs_input_grad[0]:
            grad_x = torch.ops.aten.convolution_backward(grad, x, weight, None, *ctx.geometry, False, (0, 0), 1,
                                                         (True, False, False))[0]
        if ctx.needs_input_grad[1]:
            grad_weight = _grad_weight(grad, x, weight, *ctx.geometry)
        grad_bias = grad.sum((0, 2, 3)) if ctx.needs_input_grad[2] else None
        return grad_x, grad_weight, grad_bias, None, None, None


def _grad_weight(grad: torch.Tensor, x: torch.Tensor, weight: torch.Tensor, stride: tuple, padding: tuple,
                 dilation: tuple) -> torch.Tensor:
    """For each position of the kernel: the gradient of the outputs times the inputs that the position has seen."""
    (top, left), (height, width) = padding, grad.shape[2:]
    pixels = F.pad(x, (left, left, top, top)).permute(0, 2, 3, 1)
    columns = grad.permute(0, 2, 3, 1).reshape(-1, grad.shape[1]).t()
    found = weight.new_empty((*weight.shape[2:], *weight.shape[:2]))
    for i, row in enumerate(found):
        for j, position in enumerate(row):
            seen = pixels[:, i * dilation[0]::stride[0], j * dilation[1]::stride[1]][:, :height, :width]
            torch.mm(columns, seen.reshape(-1, x.shape[1]), out=position)
    return found.permute(2, 3, 0, 1)


class FastConv2d(nn.Conv2d):
    """A convolution with a fast weight gradient for channels-last images in float32 on a CPU with AVX2 alone.

    The output is that of `nn.Conv2d`, bit for bit; weight gradients differ by rounding. oneDNN has no fast kernels for
    them without AVX-512. Everything else has `nn.Conv2d`'s own gradient. The fast gradient cannot be differentiated
    again.
    """

    def _conv_forward(self, x: torch.Tensor, weight: torch.Tensor, bias: Optional[torch.Tensor]) -> torch.Tensor:
        if not torch.is_grad_enabled() or torch.is_autocast_enabled('cpu') or not _is_slow(x):
            return super()._conv_forward(x, weight, bias)
        return _DenseConv.apply(x, weight, bias, self.stride, self.padding, self.dilation)


def _is_slow(x: torch.Tensor) -> bool:
    """Whether oneDNN's weight gradient is slow for this image."""
    return (x.device.type == 'cpu' and x.dtype == torch.float32
            and x.is_contiguous(memory_format=torch.channels_last)
            and torch.backends.cpu.get_cpu_capability() == 'AVX2')


def is_slow_dense(conv: nn.Module) -> bool:
    """Whether matrix products are worth it: not for few channels, and not for kernels that are products already."""
    return (type(conv) is nn.Conv2d and conv.groups == 1 and conv.in_channels >= 32 and max(conv.kernel_size) > 1
            and conv.padding_mode == 'zeros' and not isinstance(conv.padding, str))
