"""Backbones."""
from .deeplab_resnet import DeepLabResNet
from .timm_vit import TimmVisionTransformer

__all__ = ['DeepLabResNet', 'TimmVisionTransformer']
