"""Trained on 10 labelled "real" scenes, and nothing else: what mixing is held against.

python tools/train.py configs/demo/labeled_10_supervised.py
mIoU: not measured.
"""
_base_ = './source_only.py'
labeled_target = dict(
    type='LabelBudgetDataset', n=10, seed=2021, part='labeled', dataset=_base_.labeled_target_train)
train_dataloader = dict(
    dataset=dict(_delete_=True, type='StreamDataset', branch='labeled_target', dataset=labeled_target))
