"""Depthwise convolutions with a fast gradient on CPUs, for MobileNetV2 and the like."""
from typing import Any, Optional

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.autograd.function import once_differentiable


class _DepthwiseConv(torch.autograd.Function):
    """A depthwise convolution whose gradients are computed by convolutions that oneDNN has fast kernels for."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, stride: tuple, padding: tuple,
                dilation: tuple) -> torch.Tensor:
        ctx.save_for_backward(x, weight)
        ctx.geometry = stride, padding, dilation
        return F.conv2d(x, weight, None, stride, padding, dilation, groups=len(weight))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: torch.Tensor) -> tuple:
        x, weight = ctx.saved_tensors
        grad_x = _grad_input(grad, x.shape, weight, *ctx.geometry) if ctx.needs_input_grad[0] else None
        grad_weight = _grad_weight(grad, x, weight, *ctx.geometry) if ctx.needs_input_grad[1] else None
        return grad_x, grad_weight, None, None, None


def _grad_input(grad: torch.Tensor, shape: torch.Size, weight: torch.Tensor, stride: tuple, padding: tuple,
                dilation: tuple) -> torch.Tensor:
    """A convolution with the flipped kernel; with a stride, zeros between the pixels of `grad` undo it."""
    spans = [d * (k - 1) for d, k in zip(dilation, weight.shape[2:])]
    if max(stride) > 1:
        size = [length - span + 2 * pad for length, span, pad in zip(shape[2:], spans, padding)]
        spread = torch.empty((*shape[:2], *size), dtype=grad.dtype, memory_format=_memory_format(grad)).zero_()
        spread[..., ::stride[0], ::stride[1]] = grad
        grad = spread
    outer = [span - pad for span, pad in zip(spans, padding)]
    return F.conv2d(grad, weight.flip(2, 3), None, 1, outer, dilation, groups=len(weight))


def _memory_format(image: torch.Tensor) -> torch.memory_format:
    last = image.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if last else torch.contiguous_format


def _grad_weight(grad: torch.Tensor, x: torch.Tensor, weight: torch.Tensor, stride: tuple, padding: tuple,
                 dilation: tuple) -> torch.Tensor:
    """With a dilation, each pixel grid of that step becomes an image of its own, which needs no dilation."""
    if max(dilation) > 1:
        rest = [-length % step for length, step in zip(grad.shape[2:], dilation)]
        short = [
            length + r + step * (k - 1) - size - 2 * pad for length, r, step, k, size, pad in zip(
                grad.shape[2:], rest, dilation, weight.shape[2:], x.shape[2:], padding)
        ]
        (top, left), (low, right) = padding, short
        x = _split_grids(F.pad(x, (left, left + right, top, top + low)), dilation)
        grad = _split_grids(F.pad(grad, (0, rest[1], 0, rest[0])), dilation)
        padding = (0, 0)
    return torch.ops.aten.convolution_backward(grad, x, weight, None, stride, padding, (1, 1), False, (0, 0),
                                               len(weight), (False, True, False))[1]


def _split_grids(image: torch.Tensor, step: tuple) -> torch.Tensor:
    """(N, C, H, W) -> (N * step_h * step_w, C, H / step_h, W / step_w) in channels-last memory."""
    n, c, h, w = image.shape
    grid = image.permute(0, 2, 3, 1).reshape(n, h // step[0], step[0], w // step[1], step[1], c)
    return grid.permute(0, 2, 4, 1, 3, 5).reshape(-1, h // step[0], w // step[1], c).permute(0, 3, 1, 2)


class FastDepthwiseConv2d(nn.Conv2d):
    """A depthwise convolution with a fast gradient on CPUs.

    The output is that of `nn.Conv2d`, bit for bit; gradients differ by rounding. On CPUs, oneDNN has no fast kernels
    for the gradients of depthwise convolutions with a dilation, nor in bfloat16 with a stride. Everything else, and
    other devices, have `nn.Conv2d`'s own gradient. The fast gradient cannot be differentiated again.
    """

    def _conv_forward(self, x: torch.Tensor, weight: torch.Tensor, bias: Optional[torch.Tensor]) -> torch.Tensor:
        kind = torch.get_autocast_dtype('cpu') if torch.is_autocast_enabled('cpu') else x.dtype
        slow = max(self.dilation) > 1 or kind == torch.bfloat16
        if x.device.type != 'cpu' or not torch.is_grad_enabled() or not slow:
            return super()._conv_forward(x, weight, bias)
        x, weight = x.to(kind), weight.to(kind)
        return _DepthwiseConv.apply(x, weight, self.stride, self.padding, self.dilation)


def is_slow_depthwise(conv: nn.Module) -> bool:
    """Whether the gradient of this layer is slow on CPUs and `_DepthwiseConv` covers its geometry."""
    if type(conv) is not nn.Conv2d or conv.bias is not None or conv.padding_mode != 'zeros':
        return False
    if not conv.groups == conv.in_channels == conv.out_channels > 1 or isinstance(conv.padding, str):
        return False
    spans = [d * (k - 1) for d, k in zip(conv.dilation, conv.kernel_size)]
    slow = max(conv.dilation) > 1 or max(conv.stride) > 1
    return slow and min(max(conv.dilation), max(conv.stride)) == 1 and all(
        pad <= span for pad, span in zip(conv.padding, spans))
