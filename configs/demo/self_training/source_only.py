"""The bottom of the demo's ladder: trained on generated "simulated" scenes alone.

python tools/train.py configs/demo/self_training/source_only.py
Figures: docs/results.md.
"""
_base_ = [
    '../../_base_/default_runtime.py', '../../_base_/models/deeplabv2-multi_r18-d8.py',
    '../../_base_/datasets/demo_128x64.py', '../../_base_/schedules/adamw_poly_600.py'
]
iters = 300
train_dataloader = dict(
    batch_size=8, dataset=dict(_delete_=True, type='StreamDataset', dataset=_base_.source_train))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.02, begin=0, end=50, by_epoch=False),
    dict(type='PolyLR', power=0.9, eta_min=0, begin=50, end=iters, by_epoch=False)
]
train_cfg = dict(max_iters=iters, val_interval=iters)
default_hooks = dict(checkpoint=dict(interval=100), logger=dict(interval=25), panels=dict(interval=150))
