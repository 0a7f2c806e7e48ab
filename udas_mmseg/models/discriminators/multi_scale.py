"""The discriminator of MRNet."""
from typing import List, Optional

import torch.nn.functional as F
from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn

HALVING = 2  # the factor from a scale to the next one


@MODELS.register_module()
class MultiScaleDiscriminator(BaseModule):
    """The same small network at several scales of the map, without shared weights; trained with the objective 'lsgan'.

    For the larger network in MRNet's code, see `ResidualMultiScaleDiscriminator`.

    Args:
        in_channels (int): Channels of the maps: the number of classes.
        base_channels (int): Channels of the first convolution, doubled in each further one. Defaults to 64.
        num_layers (int): Number of 4x4 convolutions with stride 2 before the 1x1 convolution that gives the scores.
            Defaults to 4.
        num_scales (int): Number of scales; each one has half the size of the previous one. Defaults to 3.
        init_cfg (dict, optional): MMEngine's initialisation. Defaults to None: PyTorch's own.

    Raises:
        ValueError: when called, if a map is too small.

    Source: Zheng and Yang, "Unsupervised Scene Adaptation with Memory Regularization in vivo", IJCAI 2020, section 4;
    the architecture is that of Huang et al., "Multimodal Unsupervised Image-to-Image Translation", ECCV 2018.
    """

    def __init__(self,
                 in_channels: int,
                 base_channels: int = 64,
                 num_layers: int = 4,
                 num_scales: int = 3,
                 init_cfg: Optional[dict] = None) -> None:
        super().__init__(init_cfg)
        self.smallest = 2**(num_layers + num_scales - 1)  # the last scale leaves one pixel of it
        self.scales = nn.ModuleList(_patch_network(in_channels, base_channels, num_layers) for _ in range(num_scales))

    def forward(self, maps: Tensor) -> List[Tensor]:
        """Compute scores.

        Args:
            maps (Tensor): (N, in_channels, H, W), for example probabilities.

        Returns:
            list[Tensor]: For each scale (N, 1, h, w) scores; they are trained towards 0 for the source and 1 for the
                target.
        """
        return scores_of_scales(self.scales, maps, self.smallest)


def scores_of_scales(networks: nn.ModuleList, maps: Tensor, smallest: int) -> List[Tensor]:
    """Compute the scores of a network for each scale, each half the size of the previous one.

    Raises:
        ValueError: if a side of the map is below `smallest`.
    """
    if min(maps.shape[2:]) < smallest:
        raise ValueError(f'maps of {tuple(maps.shape[2:])} (height, width) are too small for {len(networks)} '
                         f'scales; at least {smallest} pixels are needed. Use a smaller num_scales or '
                         'num_layers, or larger maps (upsample_maps=True).')
    scores = []
    for number, network in enumerate(networks):
        if number > 0:
            maps = F.avg_pool2d(maps, 3, stride=HALVING, padding=1, count_include_pad=False)
        scores.append(network(maps))
    return scores


def _patch_network(in_channels: int, base_channels: int, num_layers: int) -> nn.Sequential:
    layers: List[nn.Module] = []
    channels = in_channels
    for number in range(num_layers):
        layers += [
            nn.Conv2d(channels, base_channels * 2**number, 4, 2, 1, padding_mode='reflect'),
            nn.LeakyReLU(0.2, inplace=True)
        ]
        channels = base_channels * 2**number
    return nn.Sequential(*layers, nn.Conv2d(channels, 1, 1))
