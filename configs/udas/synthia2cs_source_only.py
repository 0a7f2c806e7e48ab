"""Multi-level DeepLabv2 (ResNet-101) on SYNTHIA alone, scored on Cityscapes val (19, 16, 13 classes): the baseline.

python tools/train.py configs/udas/synthia2cs_source_only.py
"""
_base_ = [
    '../_base_/published_runtime.py', '../_base_/models/deeplabv2-multi_r101-d8.py',
    '../_base_/datasets/synthia2cs_640x360.py', '../_base_/schedules/sgd_poly250k_120k.py'
]
train_dataloader = dict(dataset=dict(_delete_=True, type='StreamDataset', dataset=_base_.source_train))
