"""UDAS with online self-training, without target labels, on CARLA -> CamVid (3 classes).

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/ladder/ssl_online_0.py
Translation; a network that is trained on the translated images; online self-training that begins with it; a round on
its pseudo-labels with CutMix; and an online round. Each begins with the moving average of the last one.
"""
_base_ = './ssl_0.py'
self_training = dict(
    warm_up=dict(config='{{fileDirname}}/translated.py'),
    adapt=dict(config='{{fileDirname}}/online_0.py'),
    label=dict(per_round=[dict(), None]),
    student=dict(
        config='{{fileDirname}}/student_cutmix_0.py',
        per_round=[dict(), dict(config='{{fileDirname}}/online_0.py')]))
