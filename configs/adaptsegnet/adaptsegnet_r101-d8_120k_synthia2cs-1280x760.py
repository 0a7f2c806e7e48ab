"""AdaptSegNet, multi-level on SYNTHIA -> Cityscapes at the published sizes.

python tools/train.py configs/adaptsegnet/adaptsegnet_r101-d8_120k_synthia2cs-1280x760.py
Scored on Cityscapes val, on 19, 16 and 13 classes. Hardware and time: not measured. mIoU: not measured.
"""
_base_ = [
    '../_base_/default_runtime.py', '../_base_/models/deeplabv2-multi_r101-d8.py',
    '../_base_/datasets/synthia2cs_1280x760.py', '../_base_/schedules/sgd_poly250k_120k.py'
]
model = dict(
    _delete_=True,
    type='AdversarialSegmentor',
    segmentor=_base_.model,
    discriminators=dict(type='MultiLevelDiscriminator'),
    adapt_map='softmax',
    adversarial=dict(weight=(0.001, 0.0002)))
optim_wrapper = dict(
    _delete_=True,
    constructor='PerChildOptimWrapperConstructor',
    segmentor=_base_.optim_wrapper,
    discriminators=dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-4, betas=(0.9, 0.99))))
model_wrapper_cfg = dict(type='MMSeparateDistributedDataParallel', broadcast_buffers=False)
default_hooks = dict(checkpoint=dict(save_best='mIoU'))
