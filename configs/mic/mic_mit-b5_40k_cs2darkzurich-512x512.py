"""MIC on top of DAFormer on Cityscapes -> Dark Zurich (night): labels also for target images with masked blocks.

python tools/train.py configs/mic/mic_mit-b5_40k_cs2darkzurich-512x512.py
Scored on Dark Zurich's val. The first run counts the classes in the labels of Cityscapes.
"""
_base_ = [
    '../_base_/published_runtime.py', '../_base_/models/daformer_mit-b5.py',
    '../_base_/datasets/cs2darkzurich_512x512.py', '../_base_/schedules/adamw_linear_40k.py', '../_base_/methods/mic.py'
]
model = dict(_base_.method, _delete_=True, segmentor=_base_.model, margins=None)
custom_hooks = [*_base_.custom_hooks, *_base_.method_hooks]
train_dataloader = dict(dataset=dict(orders=dict(source=_base_.rare_classes)))
