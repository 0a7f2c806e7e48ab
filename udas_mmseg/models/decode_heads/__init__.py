"""Decode heads."""
from .daformer_head import DAFormerHead
from .deeplabv2_head import DeepLabV2Head
from .segnet_head import SegNetHead
from .vfm_uda_head import VFMUDAHead

__all__ = ['DAFormerHead', 'DeepLabV2Head', 'SegNetHead', 'VFMUDAHead']
