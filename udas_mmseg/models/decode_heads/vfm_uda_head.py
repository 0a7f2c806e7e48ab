"""The light decode head of VFM-UDA."""
from typing import Any, Optional

from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import Tensor, nn


class _ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of each pixel."""

    def forward(self, features: Tensor) -> Tensor:
        return super().forward(features.movedim(1, -1)).movedim(-1, 1)


@MODELS.register_module()
class VFMUDAHead(BaseDecodeHead):
    """Enlarges the feature map of a vision transformer by 4, with few layers: the head of VFM-UDA.

    The layers are a 2x2 transposed convolution to C / 2 channels, layer norm, GELU, a 2x2 transposed convolution to
    `channels`, layer norm, a 3x3 convolution, layer norm, and the 1x1 convolution to the classes.

    Args:
        in_channels (int): C, the channels of the feature map.
        channels (int, optional): Channels after the second transposed convolution. Defaults to C / 4.
        **kwargs: Further arguments of `BaseDecodeHead` (`num_classes`, `in_index`, `loss_decode`, ...). `dropout_ratio`
            defaults to 0.

    Source: Englert et al., "Exploring the Benefits of Vision Foundation Models for Unsupervised Domain Adaptation",
    CVPR Workshops 2024, section 3.
    """

    def __init__(self, in_channels: int, channels: Optional[int] = None, **kwargs: Any) -> None:
        kwargs.setdefault('dropout_ratio', 0.0)
        super().__init__(in_channels=in_channels, channels=channels or in_channels // 4, **kwargs)
        between = in_channels // 2
        self.enlarge = nn.Sequential(
            nn.ConvTranspose2d(in_channels, between, 2, stride=2, bias=False),
            _ChannelNorm(between),
            nn.GELU(),
            nn.ConvTranspose2d(between, self.channels, 2, stride=2, bias=False),
            _ChannelNorm(self.channels),
        )
        self.smooth = nn.Sequential(
            nn.Conv2d(self.channels, self.channels, 3, padding=1, bias=False), _ChannelNorm(self.channels))

    def forward(self, inputs: Any) -> Tensor:
        """Compute the logits (N, num_classes, 4 h, 4 w) of a feature map (N, C, h, w)."""
        return self.cls_seg(self.smooth(self.enlarge(self._transform_inputs(inputs))))
