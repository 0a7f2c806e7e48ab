"""A student of gta2cs_ssl_online.py: gta2cs_online.py, and the labels of the round's teacher in the same step.

python tools/train.py configs/udas/gta2cs_ssl_online.py    # trains it in rounds, after the stages that it needs
python tools/train.py configs/udas/gta2cs_student_online.py
python tools/train.py configs/udas/gta2cs_student_online.py --cfg-options budget=100    # 500 is the default
To train it alone, you need translated images and pseudo-labels: see gta2cs_student_0.py. A step has the mixed source,
images with pseudo-labels under strong augmentation, and images that the moving average labels.
"""
_base_ = './gta2cs_online.py'
budget = 500
train_dataloader = dict(
    dataset=dict(pseudo_labeled=dict(_base_.unlabeled_budget, dataset=_base_.pseudo_labeled_train)))
