# MRNet (Seg-Uncertainty, stage 1), IJCAI 2020: least-squares discriminators at several scales, and memory
# regularisation between both heads. The discriminators, the penalty of their gradient and the factor 2 of the
# adversarial term (0.001 and 0.0002 are AdaptSegNet's) are those of its code. Its lambda_seg is 0.5. The loss of the
# auxiliary head belongs to the network, so that each config sets it:
#     auxiliary = dict(_base_.model.auxiliary_head, loss_decode=dict(_base_.loss_auxiliary, loss_weight=0.5))
#     model = dict(_base_.method, _delete_=True, segmentor=dict(_base_.model, auxiliary_head=auxiliary))
_base_ = './adaptsegnet.py'
method = dict(
    discriminators=dict(discriminator=dict(type='ResidualMultiScaleDiscriminator')),
    gan_objective='lsgan',
    adversarial=dict(weight=(0.002, 0.0004)),
    gradient_penalty=0.01,
    kl=dict(form='memory_regularization', weight=0.1, begin=15000))
