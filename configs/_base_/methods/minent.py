# MinEnt, CVPR 2019: the entropy of target predictions, without discriminators.
_base_ = './batch_norm.py'
method = dict(entropy=dict(weight=(0.001, 0.0002)))
