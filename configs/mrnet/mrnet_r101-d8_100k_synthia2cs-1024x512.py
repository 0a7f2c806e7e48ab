"""MRNet, stage 1, on SYNTHIA -> Cityscapes with crops of 1024x512.

python tools/train.py configs/mrnet/mrnet_r101-d8_100k_synthia2cs-1024x512.py
Published settings: configs/mrnet/README.md. Scored on Cityscapes val, on 19, 16 and 13 classes.
"""
_base_ = [
    '../_base_/published_runtime.py', '../_base_/models/deeplabv2-multi_r101-d8.py',
    '../_base_/datasets/synthia2cs_1024x512.py', '../_base_/schedules/sgd_poly100k_100k.py',
    '../_base_/methods/mrnet.py'
]
auxiliary = dict(_base_.model.auxiliary_head, loss_decode=dict(_base_.loss_auxiliary, loss_weight=0.5))
model = dict(_base_.method, _delete_=True, segmentor=dict(_base_.model, auxiliary_head=auxiliary))
optim_wrapper = dict(_base_.method_optim_wrapper, _delete_=True, segmentor=_base_.optim_wrapper)
