"""Trained on generated "simulated" scenes alone: the domain gap to look at.

make demo, or: python tools/make_demo_data.py data/demo && python tools/train.py configs/demo/source_only.py
"""
_base_ = [
    '../_base_/default_runtime.py', '../_base_/models/deeplabv2-multi_r18-d8.py',
    '../_base_/datasets/demo_256x128.py', '../_base_/schedules/adamw_poly_600.py'
]
train_dataloader = dict(dataset=dict(_delete_=True, type='StreamDataset', dataset=_base_.source_train))
model = dict(data_preprocessor=dict(size=(128, 256)))
default_hooks = dict(checkpoint=dict(interval=100), logger=dict(interval=25), panels=dict(interval=200))
