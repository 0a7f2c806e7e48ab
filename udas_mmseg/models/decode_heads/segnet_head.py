"""The classifier of SegNet."""
from typing import Any, Tuple

from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class SegNetHead(BaseDecodeHead):
    """A 3x3 convolution from the features of one stage of SegNet's decoder to the classes.

    Args:
        in_channels (int): Channels of the feature map.
        in_index (int): Index of the feature map of `SegNet`: 4 is the last one, which has the size of the image.
        num_classes (int): Number of classes.
        **kwargs: Arguments of MMSegmentation's `BaseDecodeHead`, such as `loss_decode` and `align_corners`. There is
            no dropout and no intermediate feature, so `channels` and `dropout_ratio` are not among them.

    Source: Badrinarayanan et al., "SegNet", TPAMI 2017, section 3.
    """

    def __init__(self, in_channels: int, in_index: int, num_classes: int, **kwargs: Any) -> None:
        super().__init__(
            in_channels, num_classes, num_classes=num_classes, in_index=in_index, dropout_ratio=0, **kwargs)
        self.conv_seg = nn.Conv2d(in_channels, self.out_channels, 3, padding=1)

    def forward(self, inputs: Tuple[Tensor, ...]) -> Tensor:
        """Compute logits.

        Args:
            inputs (tuple[Tensor]): Feature maps of the backbone, each (N, C_i, H_i, W_i).

        Returns:
            Tensor: (N, num_classes, H, W) logits at the resolution of feature map `in_index`.
        """
        return self.cls_seg(self._transform_inputs(inputs))
