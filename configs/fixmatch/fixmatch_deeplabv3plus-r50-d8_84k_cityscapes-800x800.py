"""FixMatch on Cityscapes with 1/16 of the labels: DeepLabv3+ on ResNet-50.

python tools/train.py configs/fixmatch/fixmatch_deeplabv3plus-r50-d8_84k_cityscapes-800x800.py
For another share of labels, add `--cfg-options budget=1/8`. docs/semi_supervised.md has the method.
The labels of all pixels are used (threshold 0), as published for Cityscapes.
"""
_base_ = ['../_base_/setups/cityscapes_r50.py', '../_base_/methods/fixmatch.py']
budget = '1/16'
labeling = dict(_base_.method.ema_teacher.labeling, threshold=0.)
teacher = dict(_base_.method.ema_teacher, labeling=labeling)
model = dict(_base_.method, _delete_=True, segmentor=_base_.model, ema_teacher=teacher)
custom_hooks = [*_base_.custom_hooks, *_base_.method_hooks]
