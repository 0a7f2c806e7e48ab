"""Self-training with 5 labelled CamVid images, from CARLA (3 classes): translation, mixed batches, two rounds.

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/ladder/ssl_5.py
The teacher is the best there was with 5 labels: mixed batches, ahead of Domain CutMix here. Figures: docs/results.md.
"""
_base_ = './ssl_0.py'
self_training = dict(
    adapt=dict(config='{{fileDirname}}/labeled_5_mixed_batches.py'),
    student=dict(config='{{fileDirname}}/student_5.py'))
