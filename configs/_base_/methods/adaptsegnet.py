# AdaptSegNet, CVPR 2018: discriminators on the softmax of both heads, with the published weights and optimizer.
# A config that has the network and the schedule among its `_base_` files puts them together with the method:
#     model = dict(_base_.method, _delete_=True, segmentor=_base_.model)
#     optim_wrapper = dict(_base_.method_optim_wrapper, _delete_=True, segmentor=_base_.optim_wrapper)
method = dict(
    type='AdversarialSegmentor',
    discriminators=dict(type='MultiLevelDiscriminator'),
    adapt_map='softmax',
    adversarial=dict(weight=(0.001, 0.0002)))
method_optim_wrapper = dict(
    constructor='PerChildOptimWrapperConstructor',
    discriminators=dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-4, betas=(0.9, 0.99))))
model_wrapper_cfg = dict(type='MMSeparateDistributedDataParallel', broadcast_buffers=False)
