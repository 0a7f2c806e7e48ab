"""UDAS without target labels on GTA5 -> Cityscapes at 640x360, with FCN (ResNet-50). Not measured.

python tools/train.py configs/task_models/uda_fcn-r50-d8_120k_gta2cs-640x360.py
"""
_base_ = [
    '../_base_/published_runtime.py', '../_base_/models/fcn_r50-d8.py',
    '../_base_/datasets/gta2cs_640x360.py', '../_base_/schedules/sgd_poly250k_120k.py',
    '../_base_/methods/uda.py'
]
train_dataloader = dict(batch_size=2)
model = dict(_base_.method, _delete_=True, segmentor=_base_.model)
optim_wrapper = dict(_base_.method_optim_wrapper, _delete_=True, segmentor=_base_.optim_wrapper)
