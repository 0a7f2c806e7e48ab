"""The ResNet of the published DeepLabv2 checkpoints."""
from typing import Any, Sequence

from mmseg.models import ResNet
from mmseg.registry import MODELS
from torch import nn


@MODELS.register_module()
class DeepLabResNet(ResNet):
    """MMSegmentation's `ResNet` in Caffe's variant: max-pooling rounds sizes up, and strides are in 1x1 convolutions.

    If the size before pooling is even, as for 1024x512 images, feature maps are one pixel wider and higher than
    those of `ResNet`: 129x65 instead of 128x64. The names of the weights are the same. A checkpoint of one class
    therefore loads into the other without an error, but gives wrong predictions.

    Args:
        depth (int): 50, 101 or 152 for checkpoints with bottlenecks.
        strides (Sequence[int]): Strides of the first block of each stage. Defaults to (1, 2, 1, 1), a total stride
            of 8.
        dilations (Sequence[int]): Dilations of each stage. Defaults to (1, 1, 2, 4).
        style (str): With 'caffe', the stride of a stage is in its first 1x1 convolution; with 'pytorch', in its 3x3
            convolution. Defaults to 'caffe'.
        **kwargs: Further arguments of `ResNet` (`norm_cfg`, `out_indices`, `init_cfg`, ...).

    Source: Chen et al., "DeepLab", TPAMI 2018, in the form of the published code of AdaptSegNet (CVPR 2018) and AdvEnt
    (CVPR 2019).
    """

    def __init__(self,
                 depth: int,
                 strides: Sequence[int] = (1, 2, 1, 1),
                 dilations: Sequence[int] = (1, 1, 2, 4),
                 style: str = 'caffe',
                 **kwargs: Any) -> None:
        super().__init__(depth, strides=strides, dilations=dilations, style=style, **kwargs)

    def _make_stem_layer(self, in_channels: int, stem_channels: int) -> None:
        """Build the stem; it differs from that of `ResNet` only in the pooling."""
        super()._make_stem_layer(in_channels, stem_channels)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1, ceil_mode=True)
