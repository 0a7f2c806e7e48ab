"""Cross pseudo supervision on Cityscapes with 1/8 of the labels: two DeepLabv3+ on ResNet-50.

python tools/train.py configs/cps/cps_deeplabv3plus-r50-d8_22k_cityscapes-800x800.py
For another share of labels, add `--cfg-options budget=1/16`. README.md has the options for CutMix.
"""
_base_ = [
    '../_base_/published_runtime.py', '../_base_/models/deeplabv3plus_r50-d8.py',
    '../_base_/datasets/cityscapes_800x800.py', '../_base_/schedules/sgd_cps_cityscapes_22k.py',
    '../_base_/methods/cps.py'
]
budget = '1/8'
train_dataloader = dict(
    batch_size=16, dataset=dict(labeled_target=dict(n=budget), target=dict(n=budget)))
segmentor = dict(_base_.model, data_preprocessor=dict(_base_.data_preprocessor, size=(800, 800)))
model = dict(_base_.method, _delete_=True, segmentor=segmentor, cps_weight=6.0)
