"""Translated CARLA alone, with DeepLabv3's head, for comparison with self-training (3 classes).

python tools/translate.py configs/benchmarks/carla2camvid/cyclegan.py CHECKPOINT --out data/carla_cyclegan
UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/ladder/translated.py
"""
_base_ = ['../translated.py', '../../../_base_/models/aspp_head_mobilenetv2-d8.py']
model = dict(decode_head=_base_.aspp_head)
