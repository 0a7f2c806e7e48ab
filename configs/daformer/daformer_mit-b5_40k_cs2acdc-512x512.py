"""DAFormer on Cityscapes -> ACDC (fog, night, rain, snow): MiT-B5, DACS, rare class sampling and feature distance.

python tools/train.py configs/daformer/daformer_mit-b5_40k_cs2acdc-512x512.py
Scored on ACDC's val. The first run counts the classes in the labels of Cityscapes. The margins that DAFormer
leaves out are those of Cityscapes as the target.
"""
_base_ = [
    '../_base_/published_runtime.py', '../_base_/models/daformer_mit-b5.py',
    '../_base_/datasets/cs2acdc_512x512.py', '../_base_/schedules/adamw_linear_40k.py',
    '../_base_/methods/daformer.py'
]
model = dict(_base_.method, _delete_=True, segmentor=_base_.model, margins=None)
custom_hooks = [*_base_.custom_hooks, *_base_.method_hooks]
train_dataloader = dict(dataset=dict(orders=dict(source=_base_.rare_classes)))
