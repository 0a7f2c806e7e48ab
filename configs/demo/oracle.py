"""Trained on the labelled "real" scenes: the upper bound of adaptation without these labels.

python tools/train.py configs/demo/oracle.py
"""
_base_ = './source_only.py'
train_dataloader = dict(
    dataset=dict(_delete_=True, type='StreamDataset', branch='labeled_target', dataset=_base_.labeled_target_train))
