"""AdaptSegNet on generated scenes: discriminators on the softmax of both heads.

python tools/train.py configs/demo/adaptsegnet.py
"""
_base_ = ['../_base_/setups/demo_256x128.py', '../_base_/methods/adaptsegnet_600.py']
model = dict(_base_.method, _delete_=True, segmentor=_base_.model, discriminators=_base_.discriminators)
optim_wrapper = dict(_base_.method_optim_wrapper, _delete_=True, segmentor=_base_.optim_wrapper)
