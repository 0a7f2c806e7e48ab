"""MinEnt on generated scenes: the entropy of target predictions, no discriminator.

python tools/train.py configs/demo/minent.py
mIoU: not measured.
"""
_base_ = './adaptsegnet.py'
model = dict(discriminators=None, entropy=dict(weight=(0.1, 0.02)))
optim_wrapper = dict(discriminators=None)
