"""The ResNet of the published DeepLabv2 checkpoints."""
import pytest
import torch
from mmseg.registry import MODELS
from torch import nn


def resnet(kind: str = 'DeepLabResNet', **options: object) -> nn.Module:
    return MODELS.build(dict(type=kind, depth=50, base_channels=4, stem_channels=4, **options))


@pytest.mark.parametrize('height, pooled, rounded_up', [(64, 17, True), (67, 18, True), (65, 17, False)])
def test_pooling_rounds_sizes_up(height: int, pooled: int, rounded_up: bool) -> None:
    image = torch.zeros(2, 3, height, 97)
    ours, stock = resnet()(image), resnet('ResNet', strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4))(image)
    assert ours[0].shape[-2:] == (pooled, 25)
    assert (ours[0].shape != stock[0].shape) == rounded_up
    assert ours[3].shape[-2:] == ours[1].shape[-2:]  # stride 8 from stage 2 on


def test_a_stage_strides_in_its_first_convolution() -> None:
    block = resnet().layer2[0]
    assert (block.conv1.stride, block.conv2.stride, block.downsample[0].stride) == ((2, 2), (1, 1), (2, 2))


def test_names_are_those_of_the_stock_resnet() -> None:
    ours, stock = resnet().state_dict(), resnet('ResNet').state_dict()
    assert {name: value.shape for name, value in ours.items()} == {name: value.shape for name, value in stock.items()}


def test_frozen_scale_and_shift_do_not_learn_and_the_rest_does() -> None:
    model = resnet(norm_cfg=dict(type='BN', requires_grad=False))
    sum(output.square().mean() for output in model(torch.randn(2, 3, 33, 33))).backward()
    for name, parameter in model.named_parameters():
        norm = '.bn' in f'.{name}' or 'downsample.1' in name
        assert (parameter.grad is None) == norm, name
