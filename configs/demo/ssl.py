"""UDAS with 10 labelled scenes at 256x128: translation, adaptation with Domain CutMix, two rounds of self-training.

python tools/make_demo_data.py data/demo && python tools/train.py configs/demo/ssl.py
"""
_base_ = './ssl_0.py'
budget = 10
self_training = dict(
    adapt=dict(config='{{fileDirname}}/uda_cutmix.py'), student=dict(config='{{fileDirname}}/student.py'))
