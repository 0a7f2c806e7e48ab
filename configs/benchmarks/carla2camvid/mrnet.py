"""MRNet, stage 1, on CARLA -> CamVid (3 classes): least-squares discriminators at two scales, memory regularisation.

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/mrnet.py
Two scales instead of the published three, because the third one would get crops of 40x20 pixels.
"""
_base_ = ['../../_base_/setups/carla2camvid.py', '../../_base_/methods/mrnet_600.py']
auxiliary = dict(_base_.model.auxiliary_head, loss_decode=dict(_base_.loss_auxiliary, loss_weight=0.5))
discriminators = dict(
    _base_.method.discriminators, discriminator=dict(type='MultiScaleDiscriminator', num_scales=2))
model = dict(
    _base_.method,
    _delete_=True,
    segmentor=dict(_base_.model, auxiliary_head=auxiliary),
    discriminators=discriminators)
optim_wrapper = dict(_base_.method_optim_wrapper, _delete_=True, segmentor=_base_.optim_wrapper)
