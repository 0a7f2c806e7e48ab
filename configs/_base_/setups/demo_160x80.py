# The common settings of configs/demo/self_training: network, data and schedule.
# For the 19 classes of Cityscapes, replace demo_160x80_8classes.py by demo_160x80.py.
_base_ = [
    '../default_runtime.py', '../models/deeplabv3plus-multi_r18-d16.py', '../datasets/demo_160x80_8classes.py',
    '../schedules/adamw_poly_250.py'
]
num_classes = len(_base_.metainfo.classes)
# with class weights, MMSegmentation's average fails if pixels are ignored; the model averages losses of pixels itself
weighted = dict(class_weight=_base_.class_weight, reduction='none')
model = dict(
    decode_head=dict(num_classes=num_classes, loss_decode=weighted),
    auxiliary_head=dict(num_classes=num_classes, loss_decode=weighted))
# the backbone is not pretrained: it learns as fast as the heads
optim_wrapper = dict(paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=1.0))))
default_hooks = dict(checkpoint=dict(interval=100), logger=dict(interval=25), panels=dict(interval=150))
# few channels, to be fast on a CPU
discriminators = dict(
    type='MultiLevelDiscriminator', discriminator=dict(type='FCDiscriminator', base_channels=16))
