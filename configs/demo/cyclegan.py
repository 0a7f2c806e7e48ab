"""CycleGAN between the demo's simulated and real scenes: a small generator, a short training.

python tools/train.py configs/demo/cyclegan.py
Figures: docs/results.md.
"""
_base_ = [
    '../_base_/default_runtime.py', '../_base_/models/cyclegan_resnet9.py', '../_base_/datasets/demo_256x128.py'
]
custom_imports = dict(imports=['udas_mmseg', 'udas_mmseg.translation'])
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
# group norm learns these small images much faster than instance norm does
model = dict(
    generator=dict(base_channels=16, num_blocks=3, norm_cfg=dict(_delete_=True, type='GN', num_groups=4)),
    discriminator=dict(base_channels=16))
param_scheduler = [
    dict(type='LinearLR', start_factor=1.0, end_factor=0.0, begin=iters // 2, end=iters, by_epoch=False)
]
train_cfg = dict(type='PositionTrainLoop', max_iters=iters)
val_dataloader = None
val_evaluator = None
val_cfg = None
test_dataloader = None
test_evaluator = None
test_cfg = None
default_hooks = dict(
    checkpoint=dict(interval=100),
    translator=dict(type='TranslatorCheckpointHook'),
    panels=dict(type='TranslationPanelHook', dataset=dict(source=source, target=target)))
