# Multi-level DeepLabv2 on ResNet-101 at stride 8: the main classifier on stage 4, the auxiliary one on stage 3.
# AdaptSegNet, CVPR 2018, section 4: batch norm keeps its ImageNet scale and shift, lambda_seg is 0.1.
norm_cfg = dict(type='BN', requires_grad=False)
data_preprocessor = dict(
    type='DomainDataPreProcessor',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    bgr_to_rgb=True,
    pad_val=0,
    seg_pad_val=255)
# average over labelled pixels, as in the published code
loss_main = dict(type='CrossEntropyLoss', loss_weight=1.0, avg_non_ignore=True)
loss_auxiliary = dict(type='CrossEntropyLoss', loss_weight=0.1, avg_non_ignore=True)
model = dict(
    type='MultiLevelEncoderDecoder',
    data_preprocessor=data_preprocessor,
    backbone=dict(
        type='ResNet',
        depth=101,
        num_stages=4,
        out_indices=(0, 1, 2, 3),
        strides=(1, 2, 1, 1),
        dilations=(1, 1, 2, 4),
        norm_cfg=norm_cfg,
        norm_eval=False,
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet101')),
    decode_head=dict(
        type='DeepLabV2Head',
        in_channels=2048,
        in_index=3,
        align_corners=True,
        loss_decode=loss_main),
    auxiliary_head=dict(
        type='DeepLabV2Head',
        in_channels=1024,
        in_index=2,
        align_corners=True,
        loss_decode=loss_auxiliary),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
# only used with several GPUs
sync_bn = 'torch'
