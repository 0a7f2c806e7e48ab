"""MinEnt: only entropy, no discriminator, on SYNTHIA -> Cityscapes at the published sizes.

python tools/train.py configs/advent/minent_r101-d8_120k_synthia2cs-1280x760.py
Scored on Cityscapes val, on 19, 16 and 13 classes.
"""
_base_ = [
    '../_base_/published_runtime.py', '../_base_/models/deeplabv2-multi_r101-d8.py',
    '../_base_/datasets/synthia2cs_1280x760.py', '../_base_/schedules/sgd_poly250k_120k.py',
    '../_base_/methods/minent.py'
]
model = dict(_base_.method, _delete_=True, segmentor=_base_.model)
optim_wrapper = dict(_base_.method_optim_wrapper, _delete_=True, segmentor=_base_.optim_wrapper)
