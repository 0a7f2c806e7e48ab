"""The teacher of UDAS without target labels: UDA on translated CARLA, batch norm's statistics from CamVid.

3 classes.

python tools/translate.py configs/benchmarks/carla2camvid/cyclegan.py CHECKPOINT --out data/carla_cyclegan
UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/adapted_0.py
Figures: docs/results.md.
"""
_base_ = './translated_uda.py'
custom_hooks = [*_base_.custom_hooks, dict(type='TargetNormStatisticsHook', branch=_base_.target_images)]
