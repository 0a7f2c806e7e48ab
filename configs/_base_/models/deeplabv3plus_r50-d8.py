# DeepLabv3+ on ResNet-50.
_base_ = './deeplabv3plus_r101-d8.py'
model = dict(
    backbone=dict(
        depth=50, init_cfg=dict(type='Pretrained', checkpoint='open-mmlab://resnet50_v1c')))
