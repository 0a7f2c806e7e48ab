"""A student of UDAS with 1,000 labelled Cityscapes images: mixed into translated GTA5, and the teacher's labels.

python tools/train.py configs/udas/gta2cs_ssl_1000.py    # trains it in rounds, with all that it needs
python tools/train.py configs/udas/gta2cs_student_1000.py
The second needs translated images and pseudo-labels: see gta2cs_student_0.py.
Hardware and time: not measured. mIoU: not measured.
"""
_base_ = './gta2cs_student_100.py'
train_dataloader = dict(dataset=dict(source=dict(target=dict(n=1000)), pseudo_labeled=dict(n=1000)))
