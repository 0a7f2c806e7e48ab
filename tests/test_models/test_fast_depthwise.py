"""Depthwise convolutions with a fast gradient equal torch's own."""
import copy

import pytest
import torch
from torch import nn

from udas_mmseg.models.fast_conv import use_fast_convolutions
from udas_mmseg.models.fast_conv.depthwise import FastDepthwiseConv2d, _DepthwiseConv


def depthwise(**kwargs) -> nn.Conv2d:
    torch.manual_seed(0)
    return nn.Conv2d(**{**dict(in_channels=6, out_channels=6, kernel_size=3, groups=6, bias=False), **kwargs}).double()


@pytest.mark.parametrize('channels_last', [False, True])
@pytest.mark.parametrize('kwargs, size', [
    (dict(dilation=2, padding=2), (10, 20)),
    (dict(dilation=4, padding=4), (9, 21)),
    (dict(dilation=3), (12, 20)),
    (dict(dilation=(2, 3), padding=(1, 2)), (11, 17)),
    (dict(dilation=4, padding=4), (3, 2)),
    (dict(stride=2, padding=1), (40, 81)),
    (dict(stride=2, padding=1), (7, 8)),
    (dict(stride=(2, 1)), (11, 12)),
    (dict(stride=3, padding=2, kernel_size=5), (16, 15)),
])
def test_output_is_equal_and_gradients_agree(kwargs: dict, size: tuple, channels_last: bool,
                                              monkeypatch: pytest.MonkeyPatch) -> None:
    plain = depthwise(**kwargs)
    fast = copy.deepcopy(plain)
    assert use_fast_convolutions(nn.Sequential(fast)) == 1
    monkeypatch.setattr(FastDepthwiseConv2d, '_conv_forward',  # also where it is not needed in float64
                        lambda conv, x, w, _: _DepthwiseConv.apply(x, w, conv.stride, conv.padding, conv.dilation))
    images = [torch.randn(2, 6, *size, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) for _ in '12']
    if channels_last:
        images = [image.contiguous(memory_format=torch.channels_last) for image in images]
    outputs = [conv(image.requires_grad_()) for conv, image in zip((plain, fast), images)]
    assert torch.equal(*outputs)
    for output in outputs:
        (output * torch.linspace(-1, 2, output.numel(), dtype=torch.float64).view_as(output)).sum().backward()
    torch.testing.assert_close(images[1].grad, images[0].grad, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(fast.weight.grad, plain.weight.grad, rtol=1e-12, atol=1e-12)
    assert images[1].grad.is_contiguous(memory_format=torch.channels_last) == channels_last


@pytest.mark.parametrize('kwargs', [
    dict(),  # is already fast
    dict(dilation=2, stride=2),
    dict(dilation=2, bias=True),
    dict(dilation=2, groups=3),
    dict(dilation=2, padding='same'),
    dict(dilation=2, padding=2, padding_mode='reflect'),
    dict(dilation=2, padding=5),
])
def test_other_convolutions_keep_their_gradient(kwargs: dict) -> None:
    conv = depthwise(**kwargs)
    assert use_fast_convolutions(nn.Sequential(conv)) == 0 and type(conv) is nn.Conv2d


def test_a_copy_has_its_own_weights_and_the_same_names() -> None:
    network = nn.Sequential(depthwise(dilation=2))
    names = list(network.state_dict())
    use_fast_convolutions(network)
    twin = copy.deepcopy(network)
    with torch.no_grad():
        twin[0].weight.zero_()
        image = torch.randn(1, 6, 9, 9, dtype=torch.float64)
        assert network[0](image).any() and not twin[0](image).any()
    assert list(network.state_dict()) == names and isinstance(twin[0], FastDepthwiseConv2d)
    assert use_fast_convolutions(network) == 0


def test_bfloat16_autocast_gives_gradients_in_float32() -> None:
    plain = depthwise(dilation=2, padding=2).float()
    fast = copy.deepcopy(plain)
    use_fast_convolutions(nn.Sequential(fast))
    image = torch.randn(2, 6, 12, 12)
    with torch.autocast('cpu', torch.bfloat16):
        outputs = plain(image), fast(image)
    assert torch.equal(*outputs) and outputs[1].dtype == torch.bfloat16
    for output in outputs:
        output.float().square().sum().backward()
    assert fast.weight.grad.dtype == torch.float32
    largest = float(plain.weight.grad.abs().max())
    torch.testing.assert_close(fast.weight.grad, plain.weight.grad, rtol=0.05, atol=0.05 * largest)


def test_a_stride_in_float32_keeps_its_gradient() -> None:
    conv = depthwise(stride=2)
    assert use_fast_convolutions(nn.Sequential(conv)) == 1
    image = torch.randn(1, 6, 9, 9, dtype=torch.float64)
    assert type(conv(image).grad_fn).__name__ == 'ConvolutionBackward0'
    with torch.autocast('cpu', torch.bfloat16):
        assert type(conv(image.float()).grad_fn).__name__ == '_DepthwiseConvBackward'
