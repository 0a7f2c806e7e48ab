"""The first teacher: Domain CutMix of translated scenes with a few labelled "real" ones, and UDA with the others.

python tools/train.py configs/demo/self_training/ssl.py    # trains it, with all that it needs
python tools/train.py configs/demo/self_training/adapt.py
The second reads the translations of the first; their folder: UDAS_DEMO_TRANSLATIONS. Figures: docs/results.md.
"""
_base_ = './translated.py'
train_dataloader = dict(
    batch_size=4,
    dataset=dict(
        _delete_=True,
        type='DomainPairDataset',
        source=_base_.mixed_train,
        target=dict(_base_.budget, part='unlabeled', dataset=_base_.target_train)))
model = dict(
    _delete_=True,
    type='AdversarialSegmentor',
    segmentor=_base_.model,
    discriminators=dict(
        type='MultiLevelDiscriminator', discriminator=dict(type='FCDiscriminator', base_channels=16)),
    adapt_map='softmax',
    adversarial=dict(weight=(0.01, 0.002)),
    kl=dict(form='symmetric_cross_entropy', weight=0.1, begin=100, ramp=100))
optim_wrapper = dict(
    _delete_=True,
    constructor='PerChildOptimWrapperConstructor',
    segmentor=_base_.optim_wrapper,
    discriminators=dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-3, betas=(0.9, 0.99))))
model_wrapper_cfg = dict(type='MMSeparateDistributedDataParallel', broadcast_buffers=False)
custom_hooks = [dict(type='CheckFiniteLossHook'), dict(type='TargetNormStatisticsHook', branch=_base_.target_images)]
