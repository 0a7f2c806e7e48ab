"""The classifier of DeepLabv2."""
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from udas_mmseg.models import DeepLabV2Head


@pytest.mark.parametrize('dilations', [(6, 12, 18, 24), (6, 12), (1, )])
def test_is_the_sum_of_dilated_convolutions(dilations: tuple) -> None:
    head = DeepLabV2Head(in_channels=4, in_index=1, num_classes=3, dilations=dilations)
    features = [torch.randn(2, 8, 9, 9), torch.randn(2, 4, 9, 9)]
    expected = torch.zeros(2, 3, 9, 9)
    for conv, dilation in zip(head.convs, dilations):
        expected += F.conv2d(features[1], conv.weight, conv.bias, padding=dilation, dilation=dilation)
    assert torch.allclose(head(features), expected, atol=1e-6)


def test_has_nothing_but_the_convolutions() -> None:
    head = DeepLabV2Head(in_channels=4, in_index=0, num_classes=3)
    names = {name for name, _ in head.named_parameters()}
    assert names == {f'convs.{number}.{kind}' for number in range(4) for kind in ('weight', 'bias')}


def test_weights_start_small_as_published() -> None:
    head = DeepLabV2Head(in_channels=64, in_index=0, num_classes=3)
    head.init_weights()
    for conv in head.convs:
        assert isinstance(conv, nn.Conv2d)
        assert conv.weight.std().item() == pytest.approx(0.01, rel=0.1)
        assert not conv.bias.any()


@pytest.mark.parametrize('dilations', [(), (6, 0)])
def test_wrong_dilations_are_refused(dilations: tuple) -> None:
    with pytest.raises(ValueError, match='dilations='):
        DeepLabV2Head(in_channels=4, in_index=0, num_classes=3, dilations=dilations)
