"""UDAS with 100 labelled Cityscapes images, whose students are trained by cross pseudo supervision.

python tools/train.py configs/udas/gta2cs_ssl_100_cps.py
python tools/train.py configs/udas/gta2cs_ssl_100_cps.py --dry-run    # print the plan, and try each training
Otherwise the same as gta2cs_ssl_100.py.
"""
_base_ = './gta2cs_ssl.py'
budget = 100
self_training = dict(student=dict(config='{{fileDirname}}/gta2cs_student_cps.py'))
