"""UDAS with all 2,975 labelled Cityscapes images, and the 19,998 images of train_extra without labels; one command.

python tools/train.py configs/udas/gta2cs_ssl_extra.py
python tools/train.py configs/udas/gta2cs_ssl_extra.py --dry-run    # print the plan, and try each training
tools/dist_train.sh configs/udas/gta2cs_ssl_extra.py 2
leftImg8bit_trainextra.zip belongs beside the other images, in cityscapes/leftImg8bit/train_extra; its coarse labels are
not used. CycleGAN sees the images of train only. `budget` takes the labels of fewer images; then, the images of train
that are not in the budget are not used.
"""
_base_ = './gta2cs_ssl.py'
budget = 2975
self_training = dict(
    adapt=dict(config='{{fileDirname}}/gta2cs_uda_cutmix_extra.py'),
    student=dict(config='{{fileDirname}}/gta2cs_student_extra.py'))
