"""UDAS with 5 labelled CamVid images, from CARLA (3 classes): translation, adaptation, two rounds of self-training.

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/ladder/ssl_5.py
Figures: docs/results.md.
"""
_base_ = './ssl_0.py'
self_training = dict(
    adapt=dict(config='{{fileDirname}}/adapted_5.py'), student=dict(config='{{fileDirname}}/student_5.py'))
