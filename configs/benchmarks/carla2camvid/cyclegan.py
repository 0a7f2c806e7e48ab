"""CycleGAN between CARLA and CamVid: a small generator, on crops of 160x80.

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/cyclegan.py
python tools/translate.py configs/benchmarks/carla2camvid/cyclegan.py CHECKPOINT --out data/carla_cyclegan
"""
_base_ = [
    '../../_base_/translation_runtime.py', '../../_base_/models/cyclegan_small.py',
    '../../_base_/datasets/carla2camvid.py'
]
iters = 5000
target_resize = dict(type='Resize', scale=(160, 120), keep_ratio=True, interpolation='area')
source_panel = dict(
    _base_.source_train,
    data_prefix=dict(img_path='images'),
    pipeline=[dict(type='LoadVerifiedImage'), dict(type='PackSegInputs')])
target_panel = dict(
    _base_.target_train, pipeline=[dict(type='LoadVerifiedImage'), target_resize,
                                   dict(type='PackSegInputs')])
source_pipeline = [dict(type='LoadVerifiedImage'), dict(type='RandomFlip', prob=0.5), dict(type='PackSegInputs')]
target_pipeline = [
    dict(type='LoadVerifiedImage'), target_resize,
    dict(type='RandomCrop', crop_size=(80, 160)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs')
]
train_dataloader = dict(
    batch_size=1,
    dataset=dict(
        _delete_=True,
        type='DomainPairDataset',
        source=dict(source_panel, pipeline=source_pipeline),
        target=dict(target_panel, pipeline=target_pipeline)))
translate_dataloader = dict(batch_size=8, num_workers=1, dataset=source_panel)
param_scheduler = [
    dict(type='LinearLR', start_factor=1.0, end_factor=0.0, begin=iters // 2, end=iters, by_epoch=False)
]
train_cfg = dict(type='PositionTrainLoop', max_iters=iters)
default_hooks = dict(
    checkpoint=dict(interval=500),
    panels=dict(interval=1000, dataset=dict(source=source_panel, target=target_panel)))
