# The schedule of UniMatch on PASCAL VOC: SGD 1e-3, 10x on the heads, poly 0.9. Its 80 passes over the unlabelled images
# are about 100,000 iterations with 1/16 of the labels and batches of 8 + 8.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=1e-3, momentum=0.9, weight_decay=1e-4),
    paramwise_cfg=dict(custom_keys=dict(decode_head=dict(lr_mult=10.), auxiliary_head=dict(lr_mult=10.))))
param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=0, begin=0, end=100000, by_epoch=False)]
train_cfg = dict(type='PositionTrainLoop', max_iters=100000, val_interval=5000)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
