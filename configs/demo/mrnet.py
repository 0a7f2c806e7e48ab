"""MRNet, stage 1, on generated scenes: least-squares discriminators at three scales, memory regularisation.

python tools/train.py configs/demo/mrnet.py
mIoU: not measured.
"""
_base_ = './adaptsegnet.py'
model = dict(
    segmentor=dict(auxiliary_head=dict(loss_decode=dict(loss_weight=0.5))),
    discriminators=dict(discriminator=dict(type='MultiScaleDiscriminator')),
    gan_objective='lsgan',
    kl=dict(form='memory_regularization', weight=0.1, begin=100, ramp=100))
