"""A student of UDAS with 2,975 labelled Cityscapes images: mixed into translated GTA5, and the teacher's labels.

python tools/train.py configs/udas/gta2cs_ssl_2975.py    # trains it in rounds, with all that it needs
python tools/train.py configs/udas/gta2cs_student_2975.py
The second needs translated images and pseudo-labels: see gta2cs_student_0.py.
No image is left without a label: the teacher labels them all, whatever their own.
Hardware and time: not measured. mIoU: not measured.
"""
_base_ = './gta2cs_student_100.py'
train_dataloader = dict(
    dataset=dict(source=dict(target=dict(n=2975)), pseudo_labeled=dict(_delete_=True, **_base_.pseudo_labeled_train)))
