# MRNet (Seg-Uncertainty, stage 1), IJCAI 2020: least-squares discriminators at several scales, and memory
# regularisation between both heads. Its lambda_seg is 0.5. The loss of the auxiliary head belongs to the network, so
# that each config sets it:
#     auxiliary = dict(_base_.model.auxiliary_head, loss_decode=dict(_base_.loss_auxiliary, loss_weight=0.5))
#     model = dict(_base_.method, _delete_=True, segmentor=dict(_base_.model, auxiliary_head=auxiliary))
_base_ = './adaptsegnet.py'
method = dict(
    discriminators=dict(discriminator=dict(type='MultiScaleDiscriminator')),
    gan_objective='lsgan',
    kl=dict(form='memory_regularization', weight=0.1, begin=15000))
