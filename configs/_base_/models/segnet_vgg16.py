# SegNet, TPAMI 2017: VGG-16 with batch norm, and a decoder that unpools with the indices of the max pooling. The
# auxiliary head, which SegNet does not have, is at stride 4 and has the weight of AdaptSegNet's.
data_preprocessor = dict(
    type='DomainDataPreProcessor',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    bgr_to_rgb=True,
    pad_val=0,
    seg_pad_val=255)
model = dict(
    type='EncoderDecoder',
    data_preprocessor=data_preprocessor,
    backbone=dict(
        type='SegNet', init_cfg=dict(type='Pretrained', checkpoint='torchvision://vgg16_bn')),
    decode_head=dict(
        type='SegNetHead',
        in_channels=64,
        in_index=4,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', loss_weight=1.0, avg_non_ignore=True)),
    auxiliary_head=dict(
        type='SegNetHead',
        in_channels=128,
        in_index=2,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', loss_weight=0.1, avg_non_ignore=True)),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
# only used with several GPUs
sync_bn = 'torch'
