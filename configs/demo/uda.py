"""UDAS without target labels on generated scenes: discriminators on both heads and L_kl between them.

python tools/train.py configs/demo/uda.py
"""
_base_ = ['../_base_/setups/demo_256x128.py', '../_base_/methods/uda_600.py']
model = dict(_base_.method, _delete_=True, segmentor=_base_.model, discriminators=_base_.discriminators)
optim_wrapper = dict(_base_.method_optim_wrapper, _delete_=True, segmentor=_base_.optim_wrapper)
