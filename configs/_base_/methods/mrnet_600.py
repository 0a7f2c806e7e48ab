# MRNet for the schedule of 600 iterations: ten times AdaptSegNet's weights and discriminator learning rate,
# memory regularisation from iteration 100, and small discriminators without penalty, as the measured rows have.
_base_ = './mrnet.py'
method = dict(
    discriminators=dict(discriminator=dict(type='MultiScaleDiscriminator')),
    adversarial=dict(weight=(0.01, 0.002)),
    gradient_penalty=0.0,
    kl=dict(begin=100, ramp=100))
method_optim_wrapper = dict(discriminators=dict(optimizer=dict(lr=1e-3)))
