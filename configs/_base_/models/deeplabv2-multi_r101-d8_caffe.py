# Multi-level DeepLabv2 exactly as in the published code of AdaptSegNet, for its checkpoints
# (docs/checkpoints.md): Caffe's ResNet-101, BGR images minus Caffe's mean, and only the branches of dilation 6 and 12.
# AdvEnt adds all four (6, 12, 18, 24).
# Without `init_cfg` the weights are random: give a checkpoint, or the converted initial weights to the backbone.
norm_cfg = dict(type='BN', requires_grad=False)
data_preprocessor = dict(
    type='DomainDataPreProcessor',
    mean=[104.00698793, 116.66876762, 122.67891434],
    std=[1.0, 1.0, 1.0],
    bgr_to_rgb=False,
    pad_val=0,
    seg_pad_val=255)
# average over labelled pixels, as in the published code
loss_main = dict(type='CrossEntropyLoss', loss_weight=1.0, avg_non_ignore=True)
loss_auxiliary = dict(type='CrossEntropyLoss', loss_weight=0.1, avg_non_ignore=True)
model = dict(
    type='MultiLevelEncoderDecoder',
    data_preprocessor=data_preprocessor,
    backbone=dict(
        type='DeepLabResNet',
        depth=101,
        num_stages=4,
        out_indices=(0, 1, 2, 3),
        strides=(1, 2, 1, 1),
        dilations=(1, 1, 2, 4),
        style='caffe',
        norm_cfg=norm_cfg,
        norm_eval=False),
    decode_head=dict(
        type='DeepLabV2Head',
        in_channels=2048,
        in_index=3,
        dilations=(6, 12),
        align_corners=True,
        loss_decode=loss_main),
    auxiliary_head=dict(
        type='DeepLabV2Head',
        in_channels=1024,
        in_index=2,
        dilations=(6, 12),
        align_corners=True,
        loss_decode=loss_auxiliary),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
# only used with several GPUs
sync_bn = 'torch'
