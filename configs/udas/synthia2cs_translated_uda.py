"""UDAS without target labels on translated SYNTHIA: adaptation of the input and of the output.

python tools/translate.py configs/translation/cyclegan_synthia2cs.py CHECKPOINT --out data/synthia_translated
python tools/train.py configs/udas/synthia2cs_translated_uda.py
Hardware and time: not measured. mIoU: not measured.
"""
_base_ = './synthia2cs_uda.py'
train_dataloader = dict(
    dataset=dict(
        source=dict(translated_root='{{$UDAS_DATA_ROOT:data}}/synthia_translated', missing_translation='error')))
