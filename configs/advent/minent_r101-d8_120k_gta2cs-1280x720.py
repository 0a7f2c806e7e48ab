"""MinEnt: entropy alone, no discriminator, on GTA5 -> Cityscapes at the published sizes, scored on Cityscapes val.

python tools/train.py configs/advent/minent_r101-d8_120k_gta2cs-1280x720.py
Hardware and time: not measured. mIoU: not measured.
"""
_base_ = '../adaptsegnet/adaptsegnet_r101-d8_120k_gta2cs-1280x720.py'
model = dict(discriminators=None, entropy=dict(weight=(0.001, 0.0002)))
optim_wrapper = dict(discriminators=None)
