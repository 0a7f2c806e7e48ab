"""Trained on generated "simulated" scenes alone: shows the domain gap.

make demo, or: python tools/make_demo_data.py data/demo && python tools/train.py configs/demo/source_only.py
"""
_base_ = '../_base_/setups/demo_256x128.py'
train_dataloader = dict(dataset=dict(_delete_=True, type='StreamDataset', dataset=_base_.source_train))
