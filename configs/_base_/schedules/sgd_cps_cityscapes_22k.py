# The schedule of CPS on Cityscapes: SGD 0.04 for batches of 16 + 16. Its 137 passes over the unlabelled images are
# about 22,000 iterations with 1/8 of the labels.
_base_ = './sgd_cps_voc_40k.py'
optim_wrapper = dict(optimizer=dict(lr=0.04))
param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=0, begin=0, end=22000, by_epoch=False)]
train_cfg = dict(max_iters=22000, val_interval=2000)
