"""VFM-UDA on generated scenes: DACS with masked tokens, rare class sampling and labels of flipped images.

python tools/train.py configs/demo/vfm_uda.py
The vision transformer is small and trained from scratch, and therefore no foundation model.
"""
_base_ = ['../_base_/setups/demo_256x128.py', '../_base_/methods/vfm_uda_600.py']
segmentor = dict(
    type='EncoderDecoder',
    data_preprocessor=_base_.model.data_preprocessor,
    backbone=dict(
        type='TimmVisionTransformer',
        model='vit_tiny_patch16_224',
        mask_token=True,
        model_kwargs=dict(patch_size=8, img_size=(128, 256), embed_dim=96, depth=6, num_heads=3)),
    decode_head=dict(type='VFMUDAHead', in_channels=96, in_index=0, align_corners=False),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
model = dict(_base_.method, _delete_=True, segmentor=segmentor)
custom_hooks = [*_base_.custom_hooks, *_base_.method_hooks]
train_dataloader = dict(dataset=dict(orders=dict(source=_base_.rare_classes)))
