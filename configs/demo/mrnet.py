"""MRNet, stage 1, on generated scenes: least-squares discriminators at three scales, memory regularisation.

python tools/train.py configs/demo/mrnet.py
"""
_base_ = ['../_base_/setups/demo_256x128.py', '../_base_/methods/mrnet_600.py']
auxiliary = dict(_base_.model.auxiliary_head, loss_decode=dict(_base_.loss_auxiliary, loss_weight=0.5))
discriminators = dict(
    _base_.method.discriminators, discriminator=dict(type='MultiScaleDiscriminator', base_channels=16))
model = dict(
    _base_.method,
    _delete_=True,
    segmentor=dict(_base_.model, auxiliary_head=auxiliary),
    discriminators=discriminators)
optim_wrapper = dict(_base_.method_optim_wrapper, _delete_=True, segmentor=_base_.optim_wrapper)
