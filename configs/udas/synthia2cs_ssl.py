"""UDAS without target labels on SYNTHIA: translation, adaptation, two rounds of self-training; one command.

python tools/train.py configs/udas/synthia2cs_ssl.py
python tools/train.py configs/udas/synthia2cs_ssl.py --dry-run    # print the plan, and try each training
tools/dist_train.sh configs/udas/synthia2cs_ssl.py 2
After an interruption, run the same command again. docs/self_training.md explains the stages and how to run one alone.
"""
_base_ = './gta2cs_ssl.py'
budget = None
self_training = dict(
    translate=dict(config='{{fileDirname}}/../translation/cyclegan_resnet9_200k_synthia2cs-640x360.py'),
    adapt=dict(config='{{fileDirname}}/synthia2cs_translated_uda.py'),
    student=dict(config='{{fileDirname}}/synthia2cs_student.py'))
