"""Trained only on 10 labelled "real" scenes: the baseline of `uda_cutmix.py`.

python tools/train.py configs/demo/supervised.py
python tools/train.py configs/demo/supervised.py --cfg-options budget=50
"""
_base_ = './source_only.py'
budget = 10
labeled_target = dict(
    type='LabelBudgetDataset', n=budget, seed=2021, part='labeled', dataset=_base_.labeled_target_train)
train_dataloader = dict(
    dataset=dict(_delete_=True, type='StreamDataset', branch='labeled_target', dataset=labeled_target))
