"""UDAS with 1,000 labelled Cityscapes images, before self-training: Domain CutMix with translated GTA5, and UDA.

python tools/translate.py configs/translation/cyclegan_gta2cs.py CHECKPOINT --out data/gta5_translated --size 640x360
python tools/train.py configs/udas/gta2cs_uda_cutmix_1000.py
Hardware and time: not measured. mIoU: not measured.
"""
_base_ = './gta2cs_uda_cutmix_100.py'
train_dataloader = dict(dataset=dict(source=dict(target=dict(n=1000)), target=dict(n=1000)))
