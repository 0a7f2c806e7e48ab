"""UDAS with 500 labelled Cityscapes images: translation, adaptation, and two rounds of self-training; one command.

python tools/train.py configs/udas/gta2cs_ssl.py
python tools/train.py configs/udas/gta2cs_ssl.py --dry-run    # the plan, and nothing else
tools/dist_train.sh configs/udas/gta2cs_ssl.py 2
An interrupted run goes on with the same command. What each stage is, and how to run one by hand: docs/self_training.md.
Hardware and time: not measured. mIoU: not measured.
"""
_base_ = '../_base_/self_training_runtime.py'
self_training = dict(
    rounds=2,
    translate=dict(config='{{fileDirname}}/../translation/cyclegan_gta2cs.py', size=(640, 360)),
    adapt=dict(config='{{fileDirname}}/gta2cs_uda_cutmix_500.py'),
    label=dict(views=3, batch_size=4, workers=4, max_broken=10, min_change=0.01),
    student=dict(config='{{fileDirname}}/gta2cs_student_500.py', init='imagenet'),
    export=dict(num_images=6))
