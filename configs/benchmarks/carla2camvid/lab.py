"""CARLA with the Lab mean and deviation of random CamVid images (3 classes).

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/lab.py
"""
_base_ = './source_only.py'
load_source = _base_.source_pipeline[:2]
load_target = [
    dict(type='LoadVerifiedImage'),
    dict(type='Resize', scale=(160, 120), keep_ratio=True, interpolation='area')
]
mix_pipeline = [
    dict(type='LabStatisticsTransfer'), *_base_.source_pipeline[2:]
]
train_dataloader = dict(
    dataset=dict(
        dataset=dict(
            _delete_=True,
            type='DomainMixDataset',
            dataset=dict(_base_.source_train, pipeline=load_source),
            target=dict(_base_.target_train, pipeline=load_target),
            pipeline=mix_pipeline)))
