# The schedule of sgd_poly250k_120k_exact.py, stopped at 150,000 iterations, as AdaptSegNet's training is.
_base_ = './sgd_poly250k_120k_exact.py'
train_cfg = dict(max_iters=150000)
