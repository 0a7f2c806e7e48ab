"""The discriminator of AdaptSegNet."""
from typing import List, Optional, Sequence

from mmengine.model import BaseModule
from mmseg.registry import MODELS
from torch import Tensor, nn

SMALLER_STRIDES = ((2, 2, 1, 1, 1), (2, 1, 1, 1, 1), (1, 1, 1, 1, 1))  # suggested for small maps


@MODELS.register_module()
class FCDiscriminator(BaseModule):
    """Five 4x4 convolutions with LeakyReLU (slope 0.2) between them, which give a score for each patch.

    Args:
        in_channels (int): Channels of the maps: the number of classes.
        base_channels (int): Channels of the first convolution, doubled three times. Defaults to 64.
        strides (Sequence[int]): Stride of each of the five convolutions. Defaults to (2, 2, 2, 2, 2), the published
            strides, for maps of the image's size. For maps at the resolution of a head (an eighth), use
            (2, 2, 1, 1, 1), so that there are enough scores.
        init_cfg (dict, optional): MMEngine's initialisation. Defaults to None: PyTorch's own, as published.

    Raises:
        ValueError: if `strides` are not five positive integers, or, when called, if a map is too small for them.

    Source: Tsai et al., "Learning to Adapt Structured Output Space", CVPR 2018, section 5.
    """

    def __init__(self,
                 in_channels: int,
                 base_channels: int = 64,
                 strides: Sequence[int] = (2, 2, 2, 2, 2),
                 init_cfg: Optional[dict] = None) -> None:
        super().__init__(init_cfg)
        if len(strides) != 5 or any(stride < 1 for stride in strides):
            raise ValueError(f'strides={tuple(strides)}: give five positive integers, e.g. (2, 2, 2, 2, 2).')
        self.strides = tuple(strides)
        layers: List[nn.Module] = []
        channels = in_channels
        for number, stride in enumerate(self.strides[:4]):
            layers += [nn.Conv2d(channels, base_channels * 2**number, 4, stride, 1), nn.LeakyReLU(0.2, inplace=True)]
            channels = base_channels * 2**number
        self.layers = nn.Sequential(*layers, nn.Conv2d(channels, 1, 4, self.strides[4], 1))

    def forward(self, maps: Tensor) -> Tensor:
        """Compute scores.

        Args:
            maps (Tensor): (N, in_channels, H, W), for example probabilities.

        Returns:
            Tensor: (N, 1, h, w) unnormalised scores; higher scores mean the target domain.
        """
        size = min(maps.shape[2:])
        if _output_size(size, self.strides) < 1:
            fitting = next((strides for strides in SMALLER_STRIDES if _output_size(size, strides) >= 1), None)
            advice = f'smaller strides, e.g. {fitting}, or larger maps' if fitting else 'larger maps'
            raise ValueError(f'maps of {tuple(maps.shape[2:])} (height, width) are too small for strides '
                             f'{self.strides}. Give the discriminator {advice} (upsample_maps=True).')
        return self.layers(maps)


def _output_size(size: int, strides: Sequence[int]) -> int:
    """Return the height or width of the scores for maps of this height or width; below 1 if there are none."""
    for stride in strides:
        size = (size - 2) // stride + 1
        if size < 1:
            break
    return size
