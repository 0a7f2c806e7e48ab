# Fewer iterations than adamw_poly_600.py, for configs/demo/self_training.
_base_ = './adamw_poly_600.py'
param_scheduler = [
    dict(type='LinearLR', start_factor=0.02, begin=0, end=50, by_epoch=False),
    dict(type='PolyLR', power=0.9, eta_min=0, begin=50, end=250, by_epoch=False)
]
train_cfg = dict(max_iters=250, val_interval=250)
