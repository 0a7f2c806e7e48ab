"""Mean teacher on Cityscapes with 1/16 of the labels: DeepLabv3+ on ResNet-50.

python tools/train.py configs/mean_teacher/mean-teacher_deeplabv3plus-r50-d8_84k_cityscapes-800x800.py
For another share of labels, add `--cfg-options budget=1/8`. docs/semi_supervised.md has the method.
"""
_base_ = ['../_base_/setups/cityscapes_r50.py', '../_base_/methods/mean_teacher.py']
budget = '1/16'
teacher = dict(_base_.method.ema_teacher, weight=dict(weight=19., ramp=8400))
model = dict(_base_.method, _delete_=True, segmentor=_base_.model, ema_teacher=teacher)
custom_hooks = [*_base_.custom_hooks, *_base_.method_hooks]
