"""All CamVid images of the pool with their labels, with DeepLabv3's head (3 classes): the upper bound of self-training.

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/ladder/oracle.py
"""
_base_ = ['../oracle.py', '../../../_base_/models/aspp_head_mobilenetv2-d8.py']
model = dict(decode_head=_base_.aspp_head)
