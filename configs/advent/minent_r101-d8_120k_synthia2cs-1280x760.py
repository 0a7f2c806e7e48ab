"""MinEnt: entropy alone, no discriminator, on SYNTHIA -> Cityscapes at the published sizes.

python tools/train.py configs/advent/minent_r101-d8_120k_synthia2cs-1280x760.py
Scored on Cityscapes val, on 19, 16 and 13 classes. Hardware and time: not measured. mIoU: not measured.
"""
_base_ = '../adaptsegnet/adaptsegnet_r101-d8_120k_synthia2cs-1280x760.py'
model = dict(discriminators=None, entropy=dict(weight=(0.001, 0.0002)))
optim_wrapper = dict(discriminators=None)
