"""SegNet against a plain reference, and torchvision's names of its encoder."""
from typing import List

import pytest
import torch
import torch.nn.functional as F
import torchvision
from mmseg.registry import MODELS
from torch import Tensor

from udas_mmseg.models import SegNet, SegNetHead

CHANNELS, NUM_CONVS = (4, 6, 8), (2, 1, 3)


@pytest.fixture
def backbone() -> SegNet:
    torch.manual_seed(0)
    return SegNet(CHANNELS, NUM_CONVS)


def unpool(image: Tensor, indices: Tensor, height: int, width: int) -> Tensor:
    """Zeros, except where each maximum was."""
    flat = image.new_zeros(*image.shape[:2], height * width)
    return flat.scatter_(2, indices.flatten(2), image.flatten(2)).view(*image.shape[:2], height, width)


def reference(image: Tensor, backbone: SegNet) -> List[Tensor]:
    """SegNet as its paper describes it, with the parameters of a backbone in the order of its layers."""
    parameters = iter(backbone.parameters())

    def convolve(image: Tensor, count: int, bias: bool) -> Tensor:
        for _ in range(count):
            image = F.conv2d(image, next(parameters), next(parameters) if bias else None, padding=1)
            image = F.batch_norm(image, None, None, next(parameters), next(parameters), training=True).relu()
        return image

    pooled = []
    for count in NUM_CONVS:
        image = convolve(image, count, bias=True)
        height, width = image.shape[-2:]
        image, indices = F.max_pool2d(image, 2, return_indices=True)
        pooled.append((indices, height, width))
    outputs = []
    for count in (3, 1, 1):  # the second convolution of the last stage is the classifier
        image = convolve(unpool(image, *pooled.pop()), count, bias=False)
        outputs.append(image)
    assert next(parameters, None) is None
    return outputs


@pytest.mark.parametrize('size', [(16, 24), (21, 27)], ids=['divisible', 'odd'])
def test_it_equals_the_reference(backbone: SegNet, size: tuple) -> None:
    image = torch.randn(2, 3, *size)
    outputs, expected = backbone(image), reference(image, backbone)
    assert [output.shape[1] for output in outputs] == [6, 4, 4] and outputs[-1].shape[-2:] == size
    for output, wanted in zip(outputs, expected):
        torch.testing.assert_close(output, wanted)


def test_the_head_is_a_convolution_of_3x3(backbone: SegNet) -> None:
    head = SegNetHead(4, 2, 5, align_corners=False)
    features = backbone(torch.randn(2, 3, 16, 24))
    torch.testing.assert_close(head(features), F.conv2d(features[2], head.conv_seg.weight, head.conv_seg.bias,
                                                        padding=1))
    assert head.conv_seg.weight.shape == (5, 4, 3, 3)


def test_the_encoder_has_the_names_and_shapes_of_torchvision() -> None:
    with torch.device('meta'):
        ours = MODELS.build(dict(type='SegNet')).features.state_dict()
        theirs = torchvision.models.vgg16_bn().features.state_dict()
    assert {name: value.shape for name, value in ours.items()} == {name: value.shape for name, value in theirs.items()}


def test_each_stage_needs_a_number_of_convolutions() -> None:
    with pytest.raises(ValueError, match='one number for each stage'):
        SegNet((4, 8), (1, ))
