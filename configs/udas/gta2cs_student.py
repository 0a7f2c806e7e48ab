"""A student of UDAS with labelled Cityscapes images: their mixture with translated GTA5, and the teacher's labels.

python tools/train.py configs/udas/gta2cs_ssl.py    # trains it in rounds, after the stages that it needs
python tools/train.py configs/udas/gta2cs_student.py
python tools/train.py configs/udas/gta2cs_student.py --cfg-options budget=100    # 500 is the default
To train it alone, you need translated images and pseudo-labels: see gta2cs_student_0.py. The teacher labels the images
that are not in the budget; with budget=2975, all of them.
"""
_base_ = './gta2cs_student_0.py'
budget = 500
train_dataloader = dict(
    dataset=dict(
        source=dict(_delete_=True, **_base_.mixed_train),
        pseudo_labeled=dict(_base_.unlabeled_budget, _delete_=True, dataset=_base_.pseudo_labeled_train)))
