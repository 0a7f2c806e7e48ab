"""CARLA as it is, scored on CamVid val (3 classes): the floor.

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/source_only.py
Figures: docs/results.md.
"""
_base_ = [
    '../../_base_/default_runtime.py', '../../_base_/models/deeplabv2-multi_mobilenetv2-d8.py',
    '../../_base_/datasets/carla2camvid.py', '../../_base_/schedules/adamw_poly_600.py'
]
train_dataloader = dict(
    batch_size=8, dataset=dict(_delete_=True, type='StreamDataset', dataset=_base_.source_train))
model = dict(
    data_preprocessor=dict(size=(80, 160)),
    backbone=dict(
        init_cfg=dict(
            type='Pretrained', checkpoint='{{$UDAS_WEIGHTS_ROOT:weights}}/mobilenet_v2_imagenet.pth')),
    decode_head=dict(num_classes=3),
    auxiliary_head=dict(num_classes=3))
default_hooks = dict(checkpoint=dict(interval=200))
