"""UDAS without target labels on CARLA -> CamVid (3 classes): translation, adaptation, two rounds of self-training.

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/ladder/ssl_0.py
Here, UDAS's AutoAugment gives worse labels than flips and scales, and students that start from their teacher's
weights reach higher scores. The labels of CamVid's training images are only opened to score the pseudo-labels
(`truth`).
"""
_base_ = '../../../_base_/self_training_runtime.py'
self_training = dict(
    rounds=2,
    keep='last',  # as measured
    translate=dict(config='{{fileDirname}}/../cyclegan.py'),
    adapt=dict(config='{{fileDirname}}/adapted_0.py'),
    label=dict(
        views=4,
        augment=dict(type='SegWeakAugment', crop_size=(120, 160), scale_range=(0.8, 1.5)),
        batch_size=4,
        workers=1,
        truth='labeled_target_train',
        groups=dict(pattern=r'/images/train/([^/_]+)_')),
    student=dict(config='{{fileDirname}}/student_0.py', init='teacher'),
    export=dict(num_images=6))
