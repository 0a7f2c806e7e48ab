# Multi-level DeepLabv2 on MobileNetV2 at stride 8, for benchmarks on a CPU. Weights: `model.backbone.init_cfg`.
norm_cfg = dict(type='BN', requires_grad=True)
data_preprocessor = dict(
    type='DomainDataPreProcessor',
    mean=[127.5, 127.5, 127.5],
    std=[127.5, 127.5, 127.5],
    bgr_to_rgb=True,
    pad_val=0,
    seg_pad_val=255)
loss_main = dict(type='CrossEntropyLoss', loss_weight=1.0, avg_non_ignore=True)
loss_auxiliary = dict(type='CrossEntropyLoss', loss_weight=0.1, avg_non_ignore=True)
model = dict(
    type='MultiLevelEncoderDecoder',
    data_preprocessor=data_preprocessor,
    backbone=dict(
        type='MobileNetV2',
        widen_factor=1.0,
        strides=(1, 2, 2, 1, 1, 1, 1),
        dilations=(1, 1, 1, 2, 2, 4, 4),
        out_indices=(1, 2, 4, 6),
        norm_cfg=norm_cfg),
    decode_head=dict(
        type='DeepLabV2Head',
        in_channels=320,
        in_index=3,
        align_corners=True,
        loss_decode=loss_main),
    auxiliary_head=dict(
        type='DeepLabV2Head',
        in_channels=96,
        in_index=2,
        align_corners=True,
        loss_decode=loss_auxiliary),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
