"""Convolutions with a fast weight gradient equal torch's own."""
import copy
from typing import Callable

import pytest
import torch
from torch import nn

from udas_mmseg.models.fast_conv import use_fast_convolutions
from udas_mmseg.models.fast_conv.dense import FastConv2d


@pytest.fixture
def avx2(monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor without AVX-512."""
    monkeypatch.setattr(torch.backends.cpu, 'get_cpu_capability', lambda: 'AVX2')


def gradient_name(conv: nn.Module, image: torch.Tensor) -> str:
    return type(conv(image).grad_fn).__name__


def channels_last(*size: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(*size, generator=generator).contiguous(memory_format=torch.channels_last)


@pytest.mark.usefixtures('avx2')
@pytest.mark.parametrize(('kwargs', 'size'), [
    (dict(kernel_size=3, padding=1), (9, 14)),
    (dict(kernel_size=3, padding=1, bias=False), (9, 14)),
    (dict(kernel_size=3, padding=4, dilation=4), (5, 3)),
    (dict(kernel_size=3, padding=1, stride=2), (8, 11)),
    (dict(kernel_size=(4, 2), padding=(1, 0), stride=(2, 3), dilation=(1, 2)), (11, 17)),
])
def test_output_is_equal_and_gradients_agree(kwargs: dict, size: tuple) -> None:
    plain = nn.Conv2d(32, 5, **kwargs)
    fast = copy.deepcopy(plain)
    assert use_fast_convolutions(nn.Sequential(fast)) == 1
    image = channels_last(2, 32, *size)
    images = [image.clone().requires_grad_() for _ in range(2)]
    outputs = [conv(one) for conv, one in zip((plain, fast), images)]
    assert torch.equal(*outputs) and type(outputs[1].grad_fn).__name__ == '_DenseConvBackward'
    for output in outputs:
        (output * torch.linspace(-1, 2, output.numel()).view_as(output)).sum().backward()
    assert torch.equal(images[0].grad, images[1].grad)
    for (_, expected), (_, found) in zip(plain.named_parameters(), fast.named_parameters()):
        torch.testing.assert_close(found.grad, expected.grad, rtol=1e-5, atol=1e-5 * float(expected.grad.abs().max()))
        assert expected.grad.any()


@pytest.mark.usefixtures('avx2')
@pytest.mark.parametrize('change', [
    lambda image: image.contiguous(), lambda image: image.double(), lambda image: image.bfloat16()])
def test_other_images_keep_the_gradient(change: Callable) -> None:
    conv = nn.Conv2d(32, 4, 3)
    use_fast_convolutions(nn.Sequential(conv))
    image = change(channels_last(1, 32, 8, 8))
    assert gradient_name(conv.to(image.dtype), image) == 'ConvolutionBackward0'


def test_other_processors_keep_the_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cpu, 'get_cpu_capability', lambda: 'AVX512')
    conv = nn.Conv2d(32, 4, 3)
    assert use_fast_convolutions(nn.Sequential(conv)) == 1
    assert gradient_name(conv, channels_last(1, 32, 8, 8)) == 'ConvolutionBackward0'


@pytest.mark.usefixtures('avx2')
def test_autocast_keeps_the_gradient() -> None:
    conv = nn.Conv2d(32, 4, 3)
    use_fast_convolutions(nn.Sequential(conv))
    with torch.autocast('cpu', torch.bfloat16):
        output = conv(channels_last(1, 32, 8, 8))
    assert output.dtype == torch.bfloat16 and '_DenseConv' not in type(output.grad_fn).__name__


@pytest.mark.parametrize('kwargs', [
    dict(in_channels=3, kernel_size=7),
    dict(in_channels=32, kernel_size=1),
    dict(in_channels=32, kernel_size=3, groups=2),
    dict(in_channels=32, kernel_size=3, padding='same'),
    dict(in_channels=32, kernel_size=3, padding=1, padding_mode='reflect'),
])
def test_other_convolutions_stay(kwargs: dict) -> None:
    conv = nn.Conv2d(out_channels=4, **kwargs)
    assert use_fast_convolutions(nn.Sequential(conv)) == 0 and type(conv) is nn.Conv2d


def test_names_stay_and_a_second_call_changes_nothing() -> None:
    network = nn.Sequential(nn.Conv2d(32, 4, 3))
    names = list(network.state_dict())
    assert use_fast_convolutions(network) == 1 and isinstance(network[0], FastConv2d)
    assert list(network.state_dict()) == names and use_fast_convolutions(network) == 0
