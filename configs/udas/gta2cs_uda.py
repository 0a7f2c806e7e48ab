"""UDAS without target labels, on GTA5 -> Cityscapes at 640x360: discriminators on both heads and L_kl between them.

python tools/train.py configs/udas/gta2cs_uda.py
The weight of L_kl and its first iteration are this project's choice, after MRNet's.
Hardware and time: not measured. mIoU: not measured.
"""
_base_ = [
    '../_base_/default_runtime.py', '../_base_/models/deeplabv2-multi_r101-d8.py',
    '../_base_/datasets/gta2cs_640x360.py', '../_base_/schedules/sgd_poly250k_120k.py'
]
model = dict(
    _delete_=True,
    type='AdversarialSegmentor',
    segmentor=_base_.model,
    discriminators=dict(type='MultiLevelDiscriminator'),
    adapt_map='softmax',
    adversarial=dict(weight=(0.001, 0.0002)),
    kl=dict(form='symmetric_cross_entropy', weight=0.1, begin=15000))
optim_wrapper = dict(
    _delete_=True,
    constructor='PerChildOptimWrapperConstructor',
    segmentor=_base_.optim_wrapper,
    discriminators=dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-4, betas=(0.9, 0.99))))
model_wrapper_cfg = dict(type='MMSeparateDistributedDataParallel', broadcast_buffers=False)
default_hooks = dict(checkpoint=dict(save_best='mIoU'))
