# DeepLabv3+ on a ResNet-18 of half the width at stride 16, trained from scratch: for the demo on a CPU. A step takes
# half of the time of deeplabv2-multi_r18-d8.py, and the decoder sees small things at stride 4.
_base_ = './deeplabv2-multi_r18-d8.py'
model = dict(
    backbone=dict(strides=(1, 2, 2, 1), dilations=(1, 1, 1, 2)),
    decode_head=dict(
        _delete_=True,
        type='DepthwiseSeparableASPPHead',
        in_channels=256,
        in_index=3,
        channels=64,
        dilations=(1, 2, 4),
        c1_in_channels=32,
        c1_channels=24,
        dropout_ratio=0.1,
        norm_cfg=_base_.norm_cfg,
        align_corners=False,
        loss_decode=_base_.loss_main))
