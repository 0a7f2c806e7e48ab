"""UDAS without target labels, on SYNTHIA -> Cityscapes at 640x360: discriminators on both heads and L_kl between them.

python tools/train.py configs/udas/synthia2cs_uda.py
Scored on Cityscapes val, on 19, 16 and 13 classes.
"""
_base_ = [
    '../_base_/published_runtime.py', '../_base_/models/deeplabv2-multi_r101-d8.py',
    '../_base_/datasets/synthia2cs_640x360.py', '../_base_/schedules/sgd_poly250k_120k.py',
    '../_base_/methods/uda.py'
]
model = dict(_base_.method, _delete_=True, segmentor=_base_.model)
optim_wrapper = dict(_base_.method_optim_wrapper, _delete_=True, segmentor=_base_.optim_wrapper)
