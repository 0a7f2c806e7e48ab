# Multi-level DeepLabv2 on a ResNet-18 of half the width at stride 8, trained from scratch: for the demo on a CPU.
norm_cfg = dict(type='BN', requires_grad=True)
data_preprocessor = dict(
    type='DomainDataPreProcessor',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    bgr_to_rgb=True,
    pad_val=0,
    seg_pad_val=255)
loss_main = dict(type='CrossEntropyLoss', loss_weight=1.0, avg_non_ignore=True)
loss_auxiliary = dict(type='CrossEntropyLoss', loss_weight=0.1, avg_non_ignore=True)
model = dict(
    type='MultiLevelEncoderDecoder',
    data_preprocessor=data_preprocessor,
    backbone=dict(
        type='ResNet',
        depth=18,
        stem_channels=32,
        base_channels=32,
        strides=(1, 2, 1, 1),
        dilations=(1, 1, 2, 4),
        norm_cfg=norm_cfg),
    decode_head=dict(
        type='DeepLabV2Head',
        in_channels=256,
        in_index=3,
        align_corners=True,
        loss_decode=loss_main),
    auxiliary_head=dict(
        type='DeepLabV2Head',
        in_channels=128,
        in_index=2,
        align_corners=True,
        loss_decode=loss_auxiliary),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
