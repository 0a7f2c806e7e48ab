"""UDAS with online self-training: translation, an online teacher, and two rounds whose students also train online.

python tools/train.py configs/udas/gta2cs_ssl_online.py
python tools/train.py configs/udas/gta2cs_ssl_online.py --dry-run    # print the plan, and try each training
python tools/train.py configs/udas/gta2cs_ssl_online.py --cfg-options budget=1000    # 500 is the default
tools/dist_train.sh configs/udas/gta2cs_ssl_online.py 2
gta2cs_ssl.py with gta2cs_online.py in place of adversarial adaptation. Labelled images are mixed into the source by
Domain CutMix. After an interruption, run the same command again (docs/self_training.md).
"""
_base_ = './gta2cs_ssl.py'
self_training = dict(
    adapt=dict(config='{{fileDirname}}/gta2cs_online.py'),
    student=dict(config='{{fileDirname}}/gta2cs_student_online.py'))
