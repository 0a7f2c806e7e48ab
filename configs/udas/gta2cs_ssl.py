"""UDAS with labelled Cityscapes images: translation, adaptation, and two rounds of self-training; one command.

python tools/train.py configs/udas/gta2cs_ssl.py
python tools/train.py configs/udas/gta2cs_ssl.py --dry-run    # print the plan, and try each training
python tools/train.py configs/udas/gta2cs_ssl.py --cfg-options budget=1000    # 500 is the default
tools/dist_train.sh configs/udas/gta2cs_ssl.py 2
After an interruption, run the same command again. docs/self_training.md explains the stages and how to run one alone.
"""
_base_ = '../_base_/self_training_runtime.py'
budget = 500
self_training = dict(
    rounds=2,
    keep='last',  # as published; docs/self_training.md, "Keeping the better model"
    translate=dict(config='{{fileDirname}}/../translation/cyclegan_resnet9_200k_gta2cs-640x360.py', size=(640, 360)),
    adapt=dict(config='{{fileDirname}}/gta2cs_uda_cutmix.py'),
    label=dict(views=3, batch_size=4, workers=4, max_broken=10, min_change=0.01),
    student=dict(config='{{fileDirname}}/gta2cs_student.py', init='imagenet'),
    export=dict(num_images=6))
