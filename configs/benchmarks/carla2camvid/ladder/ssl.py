"""UDAS with a few labelled CamVid images, from CARLA (3 classes): translation, adaptation, two rounds of self-training.

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/ladder/ssl.py
UDAS_DATA_ROOT=data python tools/compare.py configs/benchmarks/carla2camvid/ladder/ssl.py --vary budget=1,5 --out rounds
"""
_base_ = './ssl_0.py'
budget = 5
self_training = dict(
    adapt=dict(config='{{fileDirname}}/adapted.py'), student=dict(config='{{fileDirname}}/student.py'))
