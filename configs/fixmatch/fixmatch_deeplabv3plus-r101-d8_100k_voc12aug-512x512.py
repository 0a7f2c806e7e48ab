"""FixMatch on PASCAL VOC 2012 + SBD with 1/16 of the labels: DeepLabv3+ on ResNet-101.

python tools/train.py configs/fixmatch/fixmatch_deeplabv3plus-r101-d8_100k_voc12aug-512x512.py
For another share of labels, add `--cfg-options budget=1/8`. docs/semi_supervised.md has the method.
"""
_base_ = ['../_base_/setups/voc12aug_r101.py', '../_base_/methods/fixmatch.py']
budget = '1/16'
model = dict(_base_.method, _delete_=True, segmentor=_base_.model)
custom_hooks = [*_base_.custom_hooks, *_base_.method_hooks]
