# The common settings of semi-supervised training on Cityscapes with ResNet-50: network, data and schedule.
_base_ = [
    '../published_runtime.py', '../models/deeplabv3plus_r50-d8.py', '../datasets/cityscapes_800x800.py',
    '../schedules/sgd_cityscapes_84k.py'
]
model = dict(data_preprocessor=dict(size=(800, 800)))
