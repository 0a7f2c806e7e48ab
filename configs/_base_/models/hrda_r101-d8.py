# HRDA, ECCV 2022, on DeepLabv2: a crop of 1024x1024 at half size, and 512x512 of it at full size. The scale attention
# is a classifier like the main one. A cell of the context has 16 pixels, so that all corners are multiples of 16.
_base_ = './deeplabv2_r101-d8.py'
model = dict(
    type='HRDAEncoderDecoder',
    detail_size=512,
    divisor=16,
    test_cfg=dict(mode='slide', crop_size=(1024, 1024), stride=(512, 512)))
