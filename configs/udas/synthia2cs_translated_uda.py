r"""UDAS without target labels on translated SYNTHIA: adaptation of the input and of the output.

python tools/translate.py configs/translation/cyclegan_resnet9_200k_synthia2cs-640x360.py CHECKPOINT \
    --out data/synthia_translated
python tools/train.py configs/udas/synthia2cs_translated_uda.py
"""
_base_ = './synthia2cs_uda.py'
train_dataloader = dict(dataset=dict(source=_base_.translated_train))
