"""UDAS without target labels on translated GTA5: adaptation of the input and of the output.

python tools/translate.py configs/translation/cyclegan_gta2cs.py CHECKPOINT --out data/gta5_translated --size 640x360
python tools/train.py configs/udas/gta2cs_translated_uda.py
Hardware and time: not measured. mIoU: not measured.
"""
_base_ = './gta2cs_uda.py'
train_dataloader = dict(
    dataset=dict(
        source=dict(translated_root='{{$UDAS_DATA_ROOT:data}}/gta5_translated', missing_translation='error')))
