"""UDAS with online self-training, without target labels, on CARLA -> CamVid (3 classes).

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/ladder/ssl_online_0.py
Translation; a network that is trained on the translated images; online self-training that begins with it; and two
rounds of students, which begin with their teachers' weights and train online, too.
"""
_base_ = './ssl_0.py'
self_training = dict(
    warm_up=dict(config='{{fileDirname}}/translated.py'),
    adapt=dict(config='{{fileDirname}}/online_0.py'),
    student=dict(config='{{fileDirname}}/student_online_0.py'))
