# The common settings of semi-supervised training on PASCAL VOC with ResNet-101: network, data and schedule.
_base_ = [
    '../published_runtime.py', '../models/deeplabv3plus_r101-d8.py', '../datasets/voc12aug_512x512.py',
    '../schedules/sgd_voc_100k.py'
]
model = dict(data_preprocessor=dict(size=(512, 512)))
