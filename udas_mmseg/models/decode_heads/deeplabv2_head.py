"""The classifier of DeepLabv2."""
from typing import Any, List, Sequence, Tuple

from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class DeepLabV2Head(BaseDecodeHead):
    """ASPP of DeepLabv2: the sum of dilated 3x3 convolutions from the features to the classes.

    Args:
        in_channels (int): Channels of the feature map.
        in_index (int): Index of the feature map of the backbone.
        num_classes (int): Number of classes.
        dilations (Sequence[int]): Dilations of the convolutions. Defaults to (6, 12, 18, 24), as in the paper.
            Checkpoints of AdaptSegNet and of code that is based on it need (6, 12): that code returns before it adds
            the other two.
        **kwargs: Arguments of MMSegmentation's `BaseDecodeHead`, such as `loss_decode` and `align_corners`. There is
            no dropout and no intermediate feature, so `channels` and `dropout_ratio` are not among them.

    Source: Chen et al., "DeepLab", TPAMI 2018, section 3.2 (ASPP-L).
    """

    def __init__(self,
                 in_channels: int,
                 in_index: int,
                 num_classes: int,
                 dilations: Sequence[int] = (6, 12, 18, 24),
                 **kwargs: Any) -> None:
        kwargs.setdefault('init_cfg', dict(type='Normal', std=0.01, layer='Conv2d'))
        super().__init__(
            in_channels, num_classes, num_classes=num_classes, in_index=in_index, dropout_ratio=0, **kwargs)
        if not dilations or any(dilation < 1 for dilation in dilations):
            raise ValueError(f'dilations={tuple(dilations)}: give one positive integer for each convolution, e.g. '
                             '(6, 12, 18, 24).')
        del self.conv_seg  # the convolutions below classify
        self.convs = nn.ModuleList(
            nn.Conv2d(in_channels, self.out_channels, 3, padding=dilation, dilation=dilation)
            for dilation in dilations)

    def forward(self, inputs: Tuple[Tensor, ...]) -> Tensor:
        """Compute logits.

        Args:
            inputs (tuple[Tensor]): Feature maps of the backbone, each (N, C_i, H_i, W_i).

        Returns:
            Tensor: (N, num_classes, H, W) logits at the resolution of feature map `in_index`.
        """
        features = self._transform_inputs(inputs)
        logits: List[Tensor] = [conv(features) for conv in self.convs]
        return sum(logits[1:], logits[0])
