"""MRNet, stage 1, on CARLA -> CamVid (3 classes): least-squares discriminators at two scales, memory regularisation.

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/mrnet.py
Two scales instead of the published three: the third would see crops of 40x20 pixels.
Figures: docs/results.md.
"""
_base_ = './adaptsegnet.py'
model = dict(
    segmentor=dict(auxiliary_head=dict(loss_decode=dict(loss_weight=0.5))),
    discriminators=dict(discriminator=dict(type='MultiScaleDiscriminator', num_scales=2)),
    gan_objective='lsgan',
    kl=dict(form='memory_regularization', weight=0.1, begin=100, ramp=100))
