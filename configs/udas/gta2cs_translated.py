"""Multi-level DeepLabv2 (ResNet-101) on GTA5 translated into Cityscapes' style: UDAS's input-level adaptation alone.

python tools/train.py configs/translation/cyclegan_gta2cs.py
python tools/translate.py configs/translation/cyclegan_gta2cs.py CHECKPOINT --out data/gta5_translated --size 640x360
python tools/train.py configs/udas/gta2cs_translated.py
Hardware and time: not measured. mIoU: not measured.
"""
_base_ = './gta2cs_source_only.py'
train_dataloader = dict(
    dataset=dict(
        dataset=dict(
            translated_root='{{$UDAS_DATA_ROOT:data}}/gta5_translated', missing_translation='error')))
