# VFM-UDA with DINOv2 ViT-L.
_base_ = './vfm-uda_dinov2-b.py'
model = dict(
    backbone=dict(
        model='vit_large_patch14_dinov2.lvd142m',
        init_cfg=dict(checkpoint='timm://vit_large_patch14_dinov2.lvd142m')),
    decode_head=dict(in_channels=1024))
