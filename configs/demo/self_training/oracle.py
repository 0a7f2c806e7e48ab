"""The upper bound of the demo: trained on all labelled "real" scenes.

python tools/train.py configs/demo/self_training/oracle.py
"""
_base_ = './source_only.py'
train_dataloader = dict(
    dataset=dict(_delete_=True, type='StreamDataset', branch='labeled_target', dataset=_base_.labeled_target_train))
