# The schedule of VFM-UDA: adamw_linear_40k.py with 5e-5 on the head and a tenth of it on the backbone.
_base_ = './adamw_linear_40k.py'
optim_wrapper = dict(
    optimizer=dict(lr=5e-5), paramwise_cfg=dict(_delete_=True, custom_keys=dict(backbone=dict(lr_mult=0.1))))
