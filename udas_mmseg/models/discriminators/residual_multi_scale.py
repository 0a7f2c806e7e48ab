"""The discriminator in the code of MRNet."""
from typing import List, Optional

from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn

from .multi_scale import HALVING, scores_of_scales

_NORMAL = dict(type='Normal', layer='Conv2d', mean=0, std=0.02, bias=0)


@MODELS.register_module()
class ResidualMultiScaleDiscriminator(BaseModule):
    """3x3 convolutions and residual blocks at several scales of the map, without shared weights; for 'lsgan'.

    At each scale, a convolution with stride 2, two pairs of a convolution and one with stride 2, residual blocks of two
    convolutions each, and a 1x1 convolution that gives the scores. The last one with stride 2 doubles the channels.
    LeakyReLU (slope 0.2), reflected borders. MRNet's code trains this network with
    `AdversarialSegmentor(gradient_penalty=0.01)`.

    Args:
        in_channels (int): Channels of the maps: the number of classes.
        base_channels (int): Channels of the first convolution. Defaults to 32.
        num_blocks (int): Number of residual blocks. Defaults to 4.
        num_scales (int): Number of scales; each one has half the size of the previous one. Defaults to 3.
        init_cfg (dict, optional): MMEngine's initialisation. Defaults to N(0, 0.02), as published.

    Raises:
        ValueError: when called, if a map is too small.

    Source: Zheng and Yang, "Unsupervised Scene Adaptation with Memory Regularization in vivo", IJCAI 2020 (its code).
    """

    def __init__(self,
                 in_channels: int,
                 base_channels: int = 32,
                 num_blocks: int = 4,
                 num_scales: int = 3,
                 init_cfg: Optional[dict] = None) -> None:
        super().__init__(_NORMAL if init_cfg is None else init_cfg)
        # three strides and the scales leave 2 pixels of it, the fewest that can be reflected
        self.smallest = HALVING**(3 + num_scales - 1) + 1
        self.scales = nn.ModuleList(_scale(in_channels, base_channels, num_blocks) for _ in range(num_scales))

    def forward(self, maps: Tensor) -> List[Tensor]:
        """Compute scores; see `MultiScaleDiscriminator`."""
        return scores_of_scales(self.scales, maps, self.smallest)


class _ResidualBlock(nn.Module):
    """The input plus two 3x3 convolutions of it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*_convolution(channels, channels), _conv(channels, channels))

    def forward(self, features: Tensor) -> Tensor:
        return features + self.layers(features)


def _conv(in_channels: int, out_channels: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, 3, stride, 1, padding_mode='reflect')


def _convolution(in_channels: int, out_channels: int, stride: int = 1) -> List[nn.Module]:
    return [_conv(in_channels, out_channels, stride), nn.LeakyReLU(0.2, inplace=True)]


def _scale(in_channels: int, base: int, num_blocks: int) -> nn.Sequential:
    layers = _convolution(in_channels, base, 2)
    for channels in (base, 2 * base):
        layers += [*_convolution(base, base), *_convolution(base, channels, 2)]
    blocks = [_ResidualBlock(2 * base) for _ in range(num_blocks)]
    return nn.Sequential(*layers, *blocks, nn.Conv2d(2 * base, 1, 1))
