"""AdaptSegNet on CARLA -> CamVid (3 classes): discriminators on the softmax of both heads.

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/adaptsegnet.py
Ten times the published weights and discriminator learning rate, since 600 iterations are not 120,000; chosen with seed
0 among these and (0.05, 0.01) with 1e-4, which differ by 0.2 points.
Figures: docs/results.md.
"""
_base_ = './source_only.py'
train_dataloader = dict(
    batch_size=4,
    dataset=dict(_delete_=True, type='DomainPairDataset', source=_base_.source_train, target=_base_.target_train))
model = dict(
    _delete_=True,
    type='AdversarialSegmentor',
    segmentor=_base_.model,
    discriminators=dict(type='MultiLevelDiscriminator'),
    adapt_map='softmax',
    adversarial=dict(weight=(0.01, 0.002)))
optim_wrapper = dict(
    _delete_=True,
    constructor='PerChildOptimWrapperConstructor',
    segmentor=_base_.optim_wrapper,
    discriminators=dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-3, betas=(0.9, 0.99))))
model_wrapper_cfg = dict(type='MMSeparateDistributedDataParallel', broadcast_buffers=False)
