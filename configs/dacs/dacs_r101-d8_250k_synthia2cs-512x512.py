"""DACS on SYNTHIA -> Cityscapes: DeepLabv2 (ResNet-101), mixtures of source and target, a moving average labels.

python tools/train.py configs/dacs/dacs_r101-d8_250k_synthia2cs-512x512.py
Scored on Cityscapes val, on 19, 16 and 13 classes.
"""
_base_ = [
    '../_base_/published_runtime.py', '../_base_/models/deeplabv2_r101-d8.py',
    '../_base_/datasets/synthia2cs_512x512.py', '../_base_/schedules/sgd_poly250k_250k.py', '../_base_/methods/dacs.py'
]
model = dict(_base_.method, _delete_=True, segmentor=_base_.model)
custom_hooks = [*_base_.custom_hooks, *_base_.method_hooks]
