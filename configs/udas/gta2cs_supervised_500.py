"""500 labelled Cityscapes images, and nothing else: what `gta2cs_uda_cutmix_500.py` is held against.

python tools/train.py configs/udas/gta2cs_supervised_500.py
Hardware and time: not measured. mIoU: not measured.
"""
_base_ = './gta2cs_supervised_100.py'
train_dataloader = dict(dataset=dict(dataset=dict(n=500)))
