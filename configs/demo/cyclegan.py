"""CycleGAN between the demo's simulated and real scenes: a small generator, a short training.

python tools/train.py configs/demo/cyclegan.py
"""
_base_ = [
    '../_base_/translation_runtime.py', '../_base_/models/cyclegan_small.py', '../_base_/datasets/demo_256x128.py'
]
iters = 400
load, pack = dict(type='LoadVerifiedImage'), dict(type='PackSegInputs')
crop_pipeline = [load, dict(type='RandomCrop', crop_size=(64, 128)), dict(type='RandomFlip', prob=0.5), pack]
source = dict(
    type='GTA5Dataset',
    data_root=_base_.source_root,
    ann_file='train.txt',
    data_prefix=dict(img_path='images'),
    pipeline=[load, pack])
target = dict(_base_.target_train, pipeline=[load, pack])
train_dataloader = dict(
    batch_size=1,
    dataset=dict(source=dict(source, pipeline=crop_pipeline), target=dict(target, pipeline=crop_pipeline)))
translate_dataloader = dict(batch_size=8, num_workers=1, dataset=source)
model = dict(generator=dict(num_blocks=3), discriminator=dict(base_channels=16))
param_scheduler = [
    dict(type='LinearLR', start_factor=1.0, end_factor=0.0, begin=iters // 2, end=iters, by_epoch=False)
]
train_cfg = dict(type='PositionTrainLoop', max_iters=iters)
default_hooks = dict(
    checkpoint=dict(interval=100),
    panels=dict(dataset=dict(source=source, target=target)))
