"""MIC on top of HRDA on GTA5 -> Cityscapes: DeepLabv2 on ResNet-101, with masked images.

python tools/train.py configs/hrda/mic_r101-d8_40k_gta2cs-1024x1024.py
Scored on Cityscapes val. The first run counts the classes in the labels of GTA5.
"""
_base_ = [
    '../_base_/published_runtime.py', '../_base_/models/hrda_r101-d8.py',
    '../_base_/datasets/gta2cs_1024x1024.py', '../_base_/schedules/adamw_linear_40k.py',
    '../_base_/methods/mic_hrda.py'
]
model = dict(_base_.method, _delete_=True, segmentor=_base_.model)
custom_hooks = [*_base_.custom_hooks, *_base_.method_hooks]
train_dataloader = dict(dataset=dict(orders=dict(source=_base_.rare_classes)))
