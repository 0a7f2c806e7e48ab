"""The teacher of UDAS without target labels: UDA on translated CARLA, batch norm's statistics from CamVid.

3 classes.

python tools/translate.py configs/benchmarks/carla2camvid/cyclegan.py CHECKPOINT --out data/carla_cyclegan
UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/ladder/adapted_0.py
"""
_base_ = ['../translated_uda.py', '../../../_base_/models/aspp_head_mobilenetv2-d8.py']
model = dict(segmentor=dict(decode_head=_base_.aspp_head))
custom_hooks = [*_base_.custom_hooks, dict(type='TargetNormStatisticsHook', branch=_base_.target_images)]
