# PSPNet on ResNet-50 at stride 8, as in MMSegmentation. A training step needs at least two images: batch norm follows
# the pooling of the whole image.
_base_ = './deeplabv3plus_r50-d8.py'
model = dict(
    decode_head=dict(
        _delete_=True,
        type='PSPHead',
        in_channels=2048,
        in_index=3,
        channels=512,
        pool_scales=(1, 2, 3, 6),
        dropout_ratio=0.1,
        norm_cfg=dict(type='BN', requires_grad=True),
        align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', loss_weight=1.0, avg_non_ignore=True)))
