"""UDAS with 100 labelled Cityscapes images: translation, adaptation, two rounds of self-training; one command.

python tools/train.py configs/udas/gta2cs_ssl_100.py
python tools/train.py configs/udas/gta2cs_ssl_100.py --dry-run    # the plan, and nothing else
tools/dist_train.sh configs/udas/gta2cs_ssl_100.py 2
An interrupted run goes on with the same command. What each stage is, and how to run one by hand: docs/self_training.md.
Hardware and time: not measured. mIoU: not measured.
"""
_base_ = './gta2cs_ssl.py'
self_training = dict(
    adapt=dict(config='{{fileDirname}}/gta2cs_uda_cutmix_100.py'),
    student=dict(config='{{fileDirname}}/gta2cs_student_100.py'))
