"""Cross pseudo supervision on PASCAL VOC 2012 + SBD with 1/8 of the labels: two DeepLabv3+ on ResNet-101.

python tools/train.py configs/cps/cps_deeplabv3plus-r101-d8_40k_voc12aug-512x512.py
For another share of labels, add `--cfg-options budget=1/16`. README.md has the options for CutMix.
"""
_base_ = [
    '../_base_/published_runtime.py', '../_base_/models/deeplabv3plus_r101-d8.py',
    '../_base_/datasets/voc12aug_512x512.py', '../_base_/schedules/sgd_cps_voc_40k.py', '../_base_/methods/cps.py'
]
budget = '1/8'
train_dataloader = dict(dataset=dict(labeled_target=dict(n=budget), target=dict(n=budget)))
segmentor = dict(_base_.model, data_preprocessor=dict(_base_.data_preprocessor, size=(512, 512)))
model = dict(_base_.method, _delete_=True, segmentor=segmentor)
