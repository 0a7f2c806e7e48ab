"""Tiny vision transformers of timm, and segmentors with them."""
from typing import Any

SMALL = dict(embed_dim=16, depth=3, num_heads=2)
DINOV2 = 'vit_small_patch14_dinov2.lvd142m'
DINOV2_REGISTERS = 'vit_small_patch14_reg4_dinov2.lvd142m'
DINOV3 = 'vit_small_patch16_dinov3.lvd1689m'
EVA02 = 'eva02_tiny_patch14_224.mim_in22k'


def backbone(model: str = DINOV2, **options: Any) -> dict:
    kwargs = {**SMALL, **options.pop('model_kwargs', {})}
    return dict(type='TimmVisionTransformer', model=model, model_kwargs=kwargs, **options)


def vit_segmentor(**options: Any) -> dict:
    """VFM-UDA's head on a tiny DINOv2, for images of 48x64."""
    options.setdefault('model_kwargs', dict(init_values=1.0))  # with DINOv2's 1e-5, nothing moves in a step
    return dict(
        type='EncoderDecoder',
        data_preprocessor=dict(type='SegDataPreProcessor', size=(48, 64), std=[50.] * 3, mean=[100.] * 3),
        backbone=backbone(**options),
        decode_head=dict(type='VFMUDAHead', in_channels=16, in_index=-1, num_classes=3),
        train_cfg=dict(),
        test_cfg=dict(mode='whole'))
