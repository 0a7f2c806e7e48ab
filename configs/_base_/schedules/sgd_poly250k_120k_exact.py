# The schedule of sgd_poly250k_120k.py as the published code of AdaptSegNet and AdvEnt carries it out. Its optimizer has
# each convolution of a bottleneck three times (and of a shortcut four times) in its list of parameters, so a step
# updates them as often: their learning rate is three and four times the written one, and the classifiers' is 3.3 times
# that of the backbone, not 10 times.
_base_ = './sgd_poly250k_120k.py'
optim_wrapper = dict(
    paramwise_cfg=dict(
        custom_keys={
            'backbone.layer': dict(lr_mult=3.),
            '.downsample.0.weight': dict(lr_mult=4.)  # the longer key decides
        }))
