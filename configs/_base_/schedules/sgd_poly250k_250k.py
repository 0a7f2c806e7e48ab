# The schedule of DACS: SGD 2.5e-4 with Nesterov momentum, 10x on the classifier, poly 0.9 over 250,000 iterations.
_base_ = './sgd_poly250k_120k.py'
optim_wrapper = dict(optimizer=dict(nesterov=True))
train_cfg = dict(max_iters=250000)
