"""The decode head of DAFormer."""
from typing import Any, Optional, Sequence, Tuple

import torch
from mmcv.cnn import ConvModule
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.decode_heads.sep_aspp_head import DepthwiseSeparableASPPModule
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from torch import Tensor, nn


class _Embedding(nn.Module):
    """A linear map of the channels of each pixel."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.proj = nn.Linear(in_channels, channels)

    def forward(self, features: Tensor) -> Tensor:
        return self.proj(features.movedim(1, -1)).movedim(-1, 1)


class _Fusion(nn.Module):
    """Parallel convolutions with several dilations, and a 3x3 convolution of their results."""

    def __init__(self, in_channels: int, channels: int, dilations: Sequence[int], norm_cfg: Optional[dict],
                 act_cfg: dict) -> None:
        super().__init__()
        self.aspp_modules = DepthwiseSeparableASPPModule(
            dilations=dilations, in_channels=in_channels, channels=channels, conv_cfg=None, norm_cfg=norm_cfg,
            act_cfg=act_cfg)  # yapf: disable
        self.bottleneck = ConvModule(
            len(dilations) * channels, channels, 3, padding=1, norm_cfg=norm_cfg, act_cfg=act_cfg)

    def forward(self, features: Tensor) -> Tensor:
        return self.bottleneck(torch.cat(self.aspp_modules(features), dim=1))


@MODELS.register_module()
class DAFormerHead(BaseDecodeHead):
    """Fuses all levels of a backbone with context: the head of DAFormer, usually on a Mix Transformer.

    Each level is embedded to the same number of channels and resized to the first level. The concatenated levels pass
    through a depth-separable ASPP without image pooling. The names of the weights are those of the public code.

    Args:
        in_channels (Sequence[int]): Channels of each level.
        in_index (Sequence[int]): Indices of the levels among the outputs of the backbone, the finest first.
        channels (int): Channels after the fusion. Defaults to 256.
        embed_channels (int): Channels to which each level is embedded. Defaults to 256.
        dilations (Sequence[int]): Dilations of the ASPP; 1 is a 1x1 convolution. Without any, a single 1x1 convolution
            fuses the levels: the scale attention of HRDA. Defaults to (1, 6, 12, 18).
        norm_cfg (dict, optional): Normalisation of the fusion. Defaults to `dict(type='BN', requires_grad=True)`.
        **kwargs: Arguments of MMSegmentation's `BaseDecodeHead`, such as `num_classes`, `dropout_ratio`, `loss_decode`
            and `align_corners`.

    Raises:
        ValueError: if `in_channels` and `in_index` have different lengths, or a dilation is not positive.

    Source: Hoyer et al., "DAFormer", CVPR 2022, section 3.2; Hoyer et al., "HRDA", ECCV 2022 (attention).
    """

    def __init__(self,
                 in_channels: Sequence[int],
                 in_index: Sequence[int],
                 channels: int = 256,
                 embed_channels: int = 256,
                 dilations: Sequence[int] = (1, 6, 12, 18),
                 norm_cfg: Optional[dict] = None,
                 **kwargs: Any) -> None:
        if len(in_channels) != len(in_index):
            raise ValueError(f'DAFormerHead: in_channels={list(in_channels)} and in_index={list(in_index)}: give the '
                             'channels and the index of each level.')
        if any(dilation < 1 for dilation in dilations):
            raise ValueError(f'DAFormerHead: dilations={tuple(dilations)}: give one positive integer for each '
                             'convolution, e.g. (1, 6, 12, 18).')
        super().__init__(
            list(in_channels),
            channels,
            in_index=list(in_index),
            input_transform='multiple_select',
            norm_cfg=norm_cfg or dict(type='BN', requires_grad=True),
            **kwargs)
        self.embed_layers = nn.ModuleDict(
            {str(index): _Embedding(width, embed_channels) for index, width in zip(in_index, in_channels)})
        embedded = len(in_index) * embed_channels
        if dilations:
            self.fuse_layer = _Fusion(embedded, channels, dilations, self.norm_cfg, self.act_cfg)
        else:
            self.fuse_layer = ConvModule(embedded, channels, 1, norm_cfg=self.norm_cfg, act_cfg=self.act_cfg)

    def forward(self, inputs: Tuple[Tensor, ...]) -> Tensor:
        """Compute logits.

        Args:
            inputs (tuple[Tensor]): Feature maps of the backbone, each (N, C_i, H_i, W_i).

        Returns:
            Tensor: (N, num_classes, H, W) logits at the resolution of the first level.
        """
        levels = self._transform_inputs(inputs)
        size = levels[0].shape[2:]
        embedded = [
            resize(embed(level), size=size, mode='bilinear', align_corners=self.align_corners)
            for embed, level in zip(self.embed_layers.values(), levels)
        ]
        return self.cls_seg(self.fuse_layer(torch.cat(embedded, dim=1)))
