"""AdvEnt on generated scenes: discriminators on the self-information of both heads.

python tools/train.py configs/demo/advent.py
"""
_base_ = ['../_base_/setups/demo_256x128.py', '../_base_/methods/advent_600.py']
model = dict(_base_.method, _delete_=True, segmentor=_base_.model, discriminators=_base_.discriminators)
optim_wrapper = dict(_base_.method_optim_wrapper, _delete_=True, segmentor=_base_.optim_wrapper)
