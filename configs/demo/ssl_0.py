"""UDAS without target labels on generated scenes at 256x128: translation, adaptation, two rounds of self-training.

python tools/make_demo_data.py data/demo && python tools/train.py configs/demo/ssl_0.py
"""
_base_ = '../_base_/self_training_runtime.py'
self_training = dict(
    rounds=2,
    keep='last',
    translate=dict(config='{{fileDirname}}/cyclegan.py'),
    adapt=dict(config='{{fileDirname}}/uda.py'),
    label=dict(views=3, batch_size=8, workers=1),
    student=dict(config='{{fileDirname}}/student_0.py', init='teacher'),
    export=dict(num_images=6))
