"""The lower bound of the demo: trained on generated "simulated" scenes alone.

python tools/train.py configs/demo/self_training/source_only.py
"""
_base_ = '../../_base_/setups/demo_160x80.py'
train_dataloader = dict(
    batch_size=8, dataset=dict(_delete_=True, type='StreamDataset', dataset=_base_.source_train))
