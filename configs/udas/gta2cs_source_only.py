"""Multi-level DeepLabv2 (ResNet-101) on GTA5 alone, scored on Cityscapes val: the baseline of adaptation.

python tools/train.py configs/udas/gta2cs_source_only.py
"""
_base_ = [
    '../_base_/published_runtime.py', '../_base_/models/deeplabv2-multi_r101-d8.py',
    '../_base_/datasets/gta2cs_640x360.py', '../_base_/schedules/sgd_poly250k_120k.py'
]
train_dataloader = dict(
    dataset=dict(_delete_=True, type='StreamDataset', dataset=_base_.source_train, max_broken=100))
