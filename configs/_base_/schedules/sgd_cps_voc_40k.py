# The schedule of CPS on PASCAL VOC: SGD 2.5e-3 in the whole network, poly 0.9. Its 34 passes over the unlabelled images
# are about 40,000 iterations with 1/8 of the labels and batches of 8 + 8.
optim_wrapper = dict(
    type='OptimWrapper', optimizer=dict(type='SGD', lr=2.5e-3, momentum=0.9, weight_decay=1e-4))
param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=0, begin=0, end=40000, by_epoch=False)]
train_cfg = dict(type='PositionTrainLoop', max_iters=40000, val_interval=4000)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
