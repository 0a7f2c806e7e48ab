"""UDAS with online self-training: translation, an online teacher, a round on its labels, and an online round.

python tools/train.py configs/udas/gta2cs_ssl_online.py
python tools/train.py configs/udas/gta2cs_ssl_online.py --dry-run    # print the plan, and try each training
python tools/train.py configs/udas/gta2cs_ssl_online.py --cfg-options budget=1000    # 500 is the default
tools/dist_train.sh configs/udas/gta2cs_ssl_online.py 2
gta2cs_ssl.py with gta2cs_online.py in place of adversarial adaptation. The student of the first round learns from fixed
pseudo-labels, mixed with boxes of GTA5; that of the second one trains online. Each begins with the moving average of
the last one. After an interruption, run the same command again (docs/self_training.md).
"""
_base_ = './gta2cs_ssl.py'
self_training = dict(
    adapt=dict(config='{{fileDirname}}/gta2cs_online.py'),
    label=dict(per_round=[dict(), None]),
    student=dict(
        config='{{fileDirname}}/gta2cs_student_cutmix.py',
        init='teacher',
        per_round=[dict(), dict(config='{{fileDirname}}/gta2cs_online.py')]))
