"""MIC on top of DAFormer on SYNTHIA -> Cityscapes: labels also for target images with masked blocks.

python tools/train.py configs/mic/mic_mit-b5_40k_synthia2cs-512x512.py
Scored on Cityscapes val, on 19, 16 and 13 classes. The first run counts the classes in the labels of SYNTHIA.
"""
_base_ = [
    '../_base_/published_runtime.py', '../_base_/models/daformer_mit-b5.py',
    '../_base_/datasets/synthia2cs_512x512.py', '../_base_/schedules/adamw_linear_40k.py', '../_base_/methods/mic.py'
]
model = dict(_base_.method, _delete_=True, segmentor=_base_.model)
custom_hooks = [*_base_.custom_hooks, *_base_.method_hooks]
train_dataloader = dict(dataset=dict(orders=dict(source=_base_.rare_classes)))
