"""MinEnt on generated scenes: the entropy of target predictions, no discriminator.

python tools/train.py configs/demo/minent.py
"""
_base_ = ['../_base_/setups/demo_256x128.py', '../_base_/methods/minent_600.py']
model = dict(_base_.method, _delete_=True, segmentor=_base_.model)
optim_wrapper = dict(_base_.method_optim_wrapper, _delete_=True, segmentor=_base_.optim_wrapper)
