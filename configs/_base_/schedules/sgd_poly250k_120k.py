# The published schedule (AdaptSegNet and methods based on it): SGD 2.5e-4, 10x on the classifiers, poly 0.9 planned
# for 250,000 iterations and stopped at 120,000.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=2.5e-4, momentum=0.9, weight_decay=5e-4),
    paramwise_cfg=dict(custom_keys=dict(decode_head=dict(lr_mult=10.), auxiliary_head=dict(lr_mult=10.))))
param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=0, begin=0, end=250000, by_epoch=False)]
train_cfg = dict(type='PositionTrainLoop', max_iters=120000, val_interval=5000)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
