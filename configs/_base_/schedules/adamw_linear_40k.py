# The schedule of DAFormer: AdamW 6e-5, 10x on the head (and on HRDA's scale attention), no weight decay on norms, 1,500
# iterations of warm-up, then linear to 0 at 40,000.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=6e-5, betas=(0.9, 0.999), weight_decay=0.01),
    paramwise_cfg=dict(
        custom_keys=dict(
            decode_head=dict(lr_mult=10.), scale_attention=dict(lr_mult=10.), norm=dict(decay_mult=0.))))
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-6, begin=0, end=1500, by_epoch=False),
    dict(type='PolyLR', power=1.0, eta_min=0, begin=1500, end=40000, by_epoch=False)
]
train_cfg = dict(type='PositionTrainLoop', max_iters=40000, val_interval=4000)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
