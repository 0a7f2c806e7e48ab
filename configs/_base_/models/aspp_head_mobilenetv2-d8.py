# DeepLabv3's head from MMSegmentation, for the last features of MobileNetV2 at stride 8. To use it instead of
# DeepLabv2's: model = dict(decode_head=dict(_delete_=True, **_base_.aspp_head))
aspp_head = dict(
    type='ASPPHead',
    in_channels=320,
    in_index=3,
    channels=128,
    dilations=(1, 6, 12, 18),
    dropout_ratio=0.1,
    norm_cfg=dict(type='BN', requires_grad=True),
    align_corners=True,
    loss_decode=dict(type='CrossEntropyLoss', loss_weight=1.0, avg_non_ignore=True))
