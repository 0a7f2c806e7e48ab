"""A network whose input must be divisible by 4."""
from typing import Any, Dict

_HEAD: Dict[str, Any] = dict(type='FCNHead', channels=4, num_convs=1, num_classes=3)
UNET: Dict[str, Any] = dict(
    type='EncoderDecoder', data_preprocessor=dict(type='SegDataPreProcessor', size_divisor=1),
    backbone=dict(type='UNet', base_channels=4, num_stages=3, strides=(1, 1, 1), enc_num_convs=(1, 1, 1),
                  dec_num_convs=(1, 1), downsamples=(True, True), enc_dilations=(1, 1, 1), dec_dilations=(1, 1)),
    decode_head=dict(_HEAD, in_channels=4, in_index=2), auxiliary_head=dict(_HEAD, in_channels=8, in_index=1),
    train_cfg=dict(), test_cfg=dict(mode='whole'))  # yapf: disable
