# MRNet's schedule: SGD 2e-4 with Nesterov momentum, poly 0.9 over 100,000 iterations.
_base_ = './sgd_poly250k_120k.py'
optim_wrapper = dict(optimizer=dict(lr=2e-4, nesterov=True))
param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=0, begin=0, end=100000, by_epoch=False)]
train_cfg = dict(max_iters=100000)
