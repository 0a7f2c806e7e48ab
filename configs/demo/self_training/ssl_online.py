"""UDAS with online self-training on generated scenes with 10 labels: ssl.py with online.py in place of adapt.py.

python tools/make_demo_data.py data/demo && python tools/train.py configs/demo/self_training/ssl_online.py
"""
_base_ = './ssl.py'
self_training = dict(
    adapt=dict(config='{{fileDirname}}/online.py'), student=dict(config='{{fileDirname}}/student_online.py'))
