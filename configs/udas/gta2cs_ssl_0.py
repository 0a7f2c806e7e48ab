"""UDAS without target labels: translation, adaptation, two rounds of self-training; one command.

python tools/train.py configs/udas/gta2cs_ssl_0.py
python tools/train.py configs/udas/gta2cs_ssl_0.py --dry-run    # print the plan, and try each training
tools/dist_train.sh configs/udas/gta2cs_ssl_0.py 2
After an interruption, run the same command again. docs/self_training.md explains the stages and how to run one alone.
"""
_base_ = './gta2cs_ssl.py'
budget = None
self_training = dict(
    adapt=dict(config='{{fileDirname}}/gta2cs_translated_uda.py'),
    student=dict(config='{{fileDirname}}/gta2cs_student_0.py'))
