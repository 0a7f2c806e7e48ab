# AdaptSegNet for the schedule of 600 iterations: ten times the published weights and discriminator learning rate.
_base_ = './adaptsegnet.py'
method = dict(adversarial=dict(weight=(0.01, 0.002)))
method_optim_wrapper = dict(discriminators=dict(optimizer=dict(lr=1e-3)))
