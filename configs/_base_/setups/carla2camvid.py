# The common settings of configs/benchmarks/carla2camvid: network, data and schedule.
_base_ = [
    '../default_runtime.py', '../models/deeplabv2-multi_mobilenetv2-d8.py', '../datasets/carla2camvid.py',
    '../schedules/adamw_poly_600.py'
]
model = dict(
    data_preprocessor=dict(size=(80, 160)),
    backbone=dict(
        init_cfg=dict(
            type='Pretrained', checkpoint='{{$UDAS_WEIGHTS_ROOT:weights}}/mobilenet_v2_imagenet.pth')))
default_hooks = dict(checkpoint=dict(interval=200))
