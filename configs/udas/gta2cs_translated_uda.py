r"""UDAS without target labels on translated GTA5: adaptation of the input and of the output.

python tools/translate.py configs/translation/cyclegan_resnet9_200k_gta2cs-640x360.py CHECKPOINT \
    --out data/gta5_translated --size 640x360
python tools/train.py configs/udas/gta2cs_translated_uda.py
"""
_base_ = './gta2cs_uda.py'
train_dataloader = dict(dataset=dict(source=_base_.translated_train))
