"""A generator of the CycleGAN without transposed convolutions."""
from typing import Any, Dict, Optional

from mmcv.cnn import ConvModule
from mmseg.registry import MODELS
from torch import nn

from ..compat import open_mmagic

open_mmagic()

from mmagic.models.editors.cyclegan.cyclegan_generator import ResnetGenerator  # noqa: E402
from mmagic.registry import MODELS as MMAGIC_MODELS  # noqa: E402


@MMAGIC_MODELS.register_module()
@MODELS.register_module()
class ResizeConvGenerator(ResnetGenerator):
    """MMagic's `ResnetGenerator`, whose transposed convolutions are replaced by resizing and a convolution.

    A transposed convolution of size 3 and stride 2 adds up one, two or four products at a pixel, by its position, and
    so leaves a grid. Here, the features are enlarged by 2 (nearest neighbour) and pass through a 3x3 convolution of
    stride 1, padded by reflection. The number of weights, their names, and the sizes of all outputs are the same; the
    weights of the two generators cannot be exchanged.

    Args:
        in_channels (int): Channels of the images.
        out_channels (int): Channels of the translations.
        base_channels (int): Channels after the first convolution. Defaults to 64.
        norm_cfg (dict, optional): Normalisation. Defaults to instance norm.
        num_blocks (int): Number of residual blocks. Defaults to 9.
        **kwargs: Further arguments of `ResnetGenerator`.

    Source: Odena, Dumoulin and Olah, "Deconvolution and Checkerboard Artifacts", Distill 2016; the generator is that of
        Zhu et al., ICCV 2017 (CycleGAN).
    """

    def __init__(self, in_channels: int, out_channels: int, base_channels: int = 64,
                 norm_cfg: Optional[Dict[str, Any]] = None, num_blocks: int = 9, **kwargs: Any) -> None:
        norm_cfg = dict(type='IN') if norm_cfg is None else norm_cfg
        super().__init__(in_channels, out_channels, base_channels, norm_cfg, num_blocks=num_blocks, **kwargs)
        for number, part in enumerate(self.model):
            if isinstance(part, ConvModule) and isinstance(part.conv, nn.ConvTranspose2d):
                self.model[number] = EnlargingConvModule(
                    part.in_channels, part.out_channels, kernel_size=3, padding=1, bias=part.conv.bias is not None,
                    norm_cfg=norm_cfg, padding_mode='reflect')


class EnlargingConvModule(ConvModule):
    """A `ConvModule` for features that are enlarged by 2 first."""

    def forward(self, features: Any, *args: Any, **kwargs: Any) -> Any:
        """Compute the features (N, C, H, W) -> (N, C', 2 H, 2 W)."""
        return super().forward(nn.functional.interpolate(features, scale_factor=2, mode='nearest'), *args, **kwargs)
