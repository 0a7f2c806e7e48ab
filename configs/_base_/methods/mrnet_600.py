# MRNet for the schedule of 600 iterations: ten times the published weights and discriminator learning rate,
# and memory regularisation from iteration 100.
_base_ = './mrnet.py'
method = dict(adversarial=dict(weight=(0.01, 0.002)), kl=dict(begin=100, ramp=100))
method_optim_wrapper = dict(discriminators=dict(optimizer=dict(lr=1e-3)))
