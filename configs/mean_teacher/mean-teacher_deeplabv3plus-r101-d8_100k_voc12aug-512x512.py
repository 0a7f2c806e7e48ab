"""Mean teacher on PASCAL VOC 2012 + SBD with 1/16 of the labels: DeepLabv3+ on ResNet-101.

python tools/train.py configs/mean_teacher/mean-teacher_deeplabv3plus-r101-d8_100k_voc12aug-512x512.py
For another share of labels, add `--cfg-options budget=1/8`. docs/semi_supervised.md has the method.
"""
_base_ = ['../_base_/setups/voc12aug_r101.py', '../_base_/methods/mean_teacher.py']
budget = '1/16'
teacher = dict(_base_.method.ema_teacher, weight=dict(weight=21., ramp=10000))
model = dict(_base_.method, _delete_=True, segmentor=_base_.model, ema_teacher=teacher)
custom_hooks = [*_base_.custom_hooks, *_base_.method_hooks]
