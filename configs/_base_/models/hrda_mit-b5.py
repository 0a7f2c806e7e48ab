# HRDA, ECCV 2022, on DAFormer's network: a crop of 1024x1024 at half size, and 512x512 of it at full size. The scale
# attention is SegFormer's decoder: all levels embedded to 256 channels, and a 1x1 convolution.
_base_ = './daformer_mit-b5.py'
model = dict(
    type='HRDAEncoderDecoder',
    detail_size=512,
    scale_attention=dict(
        type='DAFormerHead',
        in_channels=[64, 128, 320, 512],
        in_index=[0, 1, 2, 3],
        dilations=(),
        dropout_ratio=0.1,
        align_corners=False),
    test_cfg=dict(mode='slide', crop_size=(1024, 1024), stride=(512, 512)))
