"""UDAS with online self-training and a few labelled CamVid images, from CARLA (3 classes).

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/ladder/ssl_online.py
UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/ladder/ssl_online.py --cfg-options budget=1
The stages are those of ssl_online_0.py.
"""
_base_ = './ssl_online_0.py'
budget = 5
self_training = dict(
    adapt=dict(config='{{fileDirname}}/online.py'),
    student=dict(
        config='{{fileDirname}}/student_cutmix.py', per_round=[dict(), dict(config='{{fileDirname}}/online.py')]))
