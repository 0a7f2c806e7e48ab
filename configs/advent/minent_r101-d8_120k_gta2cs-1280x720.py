"""MinEnt: only entropy, no discriminator, on GTA5 -> Cityscapes at the published sizes.

python tools/train.py configs/advent/minent_r101-d8_120k_gta2cs-1280x720.py
Scored on Cityscapes val.
"""
_base_ = [
    '../_base_/published_runtime.py', '../_base_/models/deeplabv2-multi_r101-d8.py',
    '../_base_/datasets/gta2cs_1280x720.py', '../_base_/schedules/sgd_poly250k_120k.py',
    '../_base_/methods/minent.py'
]
model = dict(_base_.method, _delete_=True, segmentor=_base_.model)
optim_wrapper = dict(_base_.method_optim_wrapper, _delete_=True, segmentor=_base_.optim_wrapper)
