r"""Multi-level DeepLabv2 (ResNet-101) on GTA5 translated into Cityscapes' style: only UDAS's adaptation of the input.

python tools/train.py configs/translation/cyclegan_resnet9_200k_gta2cs-640x360.py
python tools/translate.py configs/translation/cyclegan_resnet9_200k_gta2cs-640x360.py CHECKPOINT \
    --out data/gta5_translated --size 640x360
python tools/train.py configs/udas/gta2cs_translated.py
"""
_base_ = './gta2cs_source_only.py'
train_dataloader = dict(dataset=dict(dataset=_base_.translated_train))
