"""All of UDAS on generated scenes with 10 labels: translation, adaptation, and two rounds of self-training.

make demo, or: python tools/make_demo_data.py data/demo && python tools/train.py configs/demo/self_training/ssl.py
"""
_base_ = '../../_base_/self_training_runtime.py'
budget = '1/20'  # 10 of the demo's 200 scenes
self_training = dict(
    rounds=2,
    translate=dict(config='{{fileDirname}}/cyclegan.py'),
    adapt=dict(config='{{fileDirname}}/adapt.py'),
    label=dict(views=3, batch_size=8, workers=1, truth='labeled_target_train'),
    student=dict(config='{{fileDirname}}/student.py', init='teacher'),
    select=dict(by='label_free'),  # the validation images give the score
    export=dict(num_images=6))
