"""MRNet, stage 1, on GTA5 -> Cityscapes with crops of 1024x512, scored on Cityscapes val.

python tools/train.py configs/mrnet/mrnet_r101-d8_100k_gta2cs-1024x512.py
Published: lambda_seg 0.5, the memory regularisation weighs 0.1 from iteration 15,000, learning rate 2e-4, two images of
each domain a step, Nesterov momentum. The authors' code also has squeeze-and-excitation, group norm, dropout, class
balancing, warm-up and random scales, and shows both discriminators the mean of the heads on the source: not here.
Hardware and time: not measured. mIoU: not measured.
"""
_base_ = '../adaptsegnet/adaptsegnet_r101-d8_120k_gta2cs-1280x720.py'
crop = dict(type='RandomCrop', crop_size=(512, 1024))
source_pipeline = [
    dict(type='LoadVerifiedImage'),
    dict(type='LoadLabelIds'),
    dict(type='Resize', scale=(1280, 720), keep_ratio=False), crop,
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs')
]
target_pipeline = [
    dict(type='LoadVerifiedImage'),
    dict(type='Resize', scale=(1280, 640), keep_ratio=False), crop,
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs')
]
train_dataloader = dict(
    batch_size=2, dataset=dict(source=dict(pipeline=source_pipeline), target=dict(pipeline=target_pipeline)))
model = dict(
    segmentor=dict(auxiliary_head=dict(loss_decode=dict(loss_weight=0.5))),
    discriminators=dict(discriminator=dict(type='MultiScaleDiscriminator')),
    gan_objective='lsgan',
    kl=dict(form='memory_regularization', weight=0.1, begin=15000))
optim_wrapper = dict(segmentor=dict(optimizer=dict(lr=2e-4, nesterov=True)))
param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=0, begin=0, end=100000, by_epoch=False)]
train_cfg = dict(max_iters=100000)
