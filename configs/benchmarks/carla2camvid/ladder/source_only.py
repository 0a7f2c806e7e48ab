"""Original CARLA images alone, with DeepLabv3's head, for comparison with self-training (3 classes).

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/ladder/source_only.py
"""
_base_ = ['../source_only.py', '../../../_base_/models/aspp_head_mobilenetv2-d8.py']
model = dict(decode_head=_base_.aspp_head)
