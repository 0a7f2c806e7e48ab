"""Backbones."""
from .deeplab_resnet import DeepLabResNet
from .segnet import SegNet
from .timm_vit import TimmVisionTransformer

__all__ = ['DeepLabResNet', 'SegNet', 'TimmVisionTransformer']
