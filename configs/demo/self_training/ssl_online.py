"""UDAS with online self-training on generated scenes with 10 labels: an online teacher, and two rounds.

python tools/make_demo_data.py data/demo && python tools/train.py configs/demo/self_training/ssl_online.py
Translation; a network that is trained on the translated scenes; online self-training that begins with it; a round on
its pseudo-labels with CutMix; and an online round. Each begins with the moving average of the last one.
"""
_base_ = './ssl.py'
self_training = dict(
    keep='last',  # label-free selection does not see what target images gain (docs/results.md)
    warm_up=dict(config='{{fileDirname}}/translated.py'),
    adapt=dict(config='{{fileDirname}}/online.py'),
    label=dict(per_round=[dict(), None]),
    student=dict(
        config='{{fileDirname}}/student_cutmix.py',
        per_round=[dict(), dict(config='{{fileDirname}}/online.py')]))
