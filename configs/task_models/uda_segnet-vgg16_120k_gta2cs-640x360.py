"""UDAS without target labels on GTA5 -> Cityscapes at 640x360, with SegNet (VGG-16). Not measured.

python tools/train.py configs/task_models/uda_segnet-vgg16_120k_gta2cs-640x360.py
"""
_base_ = [
    '../_base_/published_runtime.py', '../_base_/models/segnet_vgg16.py',
    '../_base_/datasets/gta2cs_640x360.py', '../_base_/schedules/sgd_poly250k_120k.py',
    '../_base_/methods/uda.py'
]
train_dataloader = dict(batch_size=2)
model = dict(_base_.method, _delete_=True, segmentor=_base_.model)
# the decoder starts from random weights, like the classifiers
segmentor_wrapper = dict(
    _base_.optim_wrapper,
    paramwise_cfg=dict(
        custom_keys={**_base_.optim_wrapper.paramwise_cfg.custom_keys, 'decoder': dict(lr_mult=10.)}))
optim_wrapper = dict(_base_.method_optim_wrapper, _delete_=True, segmentor=segmentor_wrapper)
