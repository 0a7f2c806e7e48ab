"""AdaptSegNet on generated scenes: discriminators on the softmax of both heads.

python tools/train.py configs/demo/adaptsegnet.py
mIoU: not measured.
"""
_base_ = './source_only.py'
train_dataloader = dict(
    dataset=dict(_delete_=True, type='DomainPairDataset', source=_base_.source_train, target=_base_.target_train))
model = dict(
    _delete_=True,
    type='AdversarialSegmentor',
    segmentor=_base_.model,
    discriminators=dict(
        type='MultiLevelDiscriminator', discriminator=dict(type='FCDiscriminator', base_channels=16)),
    adapt_map='softmax',
    adversarial=dict(weight=(0.01, 0.002)))
optim_wrapper = dict(
    _delete_=True,
    constructor='PerChildOptimWrapperConstructor',
    segmentor=_base_.optim_wrapper,
    discriminators=dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-3, betas=(0.9, 0.99))))
model_wrapper_cfg = dict(type='MMSeparateDistributedDataParallel', broadcast_buffers=False)
