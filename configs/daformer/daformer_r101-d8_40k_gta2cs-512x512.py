"""DAFormer's training on GTA5 -> Cityscapes, of DeepLabv2 on ResNet-101 in place of its network.

python tools/train.py configs/daformer/daformer_r101-d8_40k_gta2cs-512x512.py
Scored on Cityscapes val. The first run counts the classes in the labels of GTA5.
"""
_base_ = [
    '../_base_/published_runtime.py', '../_base_/models/deeplabv2_r101-d8.py',
    '../_base_/datasets/gta2cs_512x512.py', '../_base_/schedules/adamw_linear_40k.py',
    '../_base_/methods/daformer.py'
]
model = dict(_base_.method, _delete_=True, segmentor=_base_.model)
custom_hooks = [*_base_.custom_hooks, *_base_.method_hooks]
train_dataloader = dict(dataset=dict(orders=dict(source=_base_.rare_classes)))
