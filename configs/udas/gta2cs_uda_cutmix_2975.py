"""UDAS with all 2,975 labelled Cityscapes images, before self-training: Domain CutMix with translated GTA5, and UDA.

python tools/translate.py configs/translation/cyclegan_gta2cs.py CHECKPOINT --out data/gta5_translated --size 640x360
python tools/train.py configs/udas/gta2cs_uda_cutmix_2975.py
No image is left without a label: UDA takes them all, without their labels.
Hardware and time: not measured. mIoU: not measured.
"""
_base_ = './gta2cs_uda_cutmix_100.py'
train_dataloader = dict(
    dataset=dict(source=dict(target=dict(n=2975)), target=dict(_delete_=True, **_base_.target_train)))
