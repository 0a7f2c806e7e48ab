# VFM-UDA, CVPR Workshops 2024: DINOv2 ViT-B with the light head. The mask token is learned.
#     dict(type='MaskedConsistencyTerm', mask='tokens')
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
        type='TimmVisionTransformer',
        model='vit_base_patch14_dinov2.lvd142m',
        mask_token=True,
        init_cfg=dict(type='Pretrained', checkpoint='timm://vit_base_patch14_dinov2.lvd142m')),
    decode_head=dict(
        type='VFMUDAHead',
        in_channels=768,
        in_index=0,
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', loss_weight=1.0)),
    train_cfg=dict(),
    # windows of the size of the training crops
    test_cfg=dict(mode='slide', crop_size=(1024, 1024), stride=(512, 512)))
