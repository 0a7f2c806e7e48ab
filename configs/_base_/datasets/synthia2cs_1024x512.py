# synthia2cs_1280x760.py with MRNet's crops of 1024x512 from images of both domains, and flips.
_base_ = './synthia2cs_1280x760.py'
crop = dict(type='RandomCrop', crop_size=(512, 1024))
flip = dict(type='RandomFlip', prob=0.5)
source_pipeline = [
    dict(type='LoadVerifiedImage'),
    dict(type='LoadLabelIds'),
    dict(type='AntialiasedResize', scale=_base_.source_size, keep_ratio=False), crop, flip,
    dict(type='PackSegInputs')
]
target_pipeline = [
    dict(type='LoadVerifiedImage'),
    dict(type='AntialiasedResize', scale=(1280, 640), keep_ratio=False), crop, flip,
    dict(type='PackSegInputs')
]
source_train = dict(pipeline=source_pipeline)
train_dataloader = dict(
    batch_size=2, dataset=dict(source=dict(pipeline=source_pipeline), target=dict(pipeline=target_pipeline)))
