"""CycleGAN between SYNTHIA and Cityscapes, 640 pixels wide, on crops of 256x256.

python tools/train.py configs/translation/cyclegan_synthia2cs.py
python tools/translate.py configs/translation/cyclegan_synthia2cs.py CHECKPOINT --out data/synthia_translated
Hardware and time: not measured. Distances: not measured.
"""
_base_ = './cyclegan_gta2cs.py'
source = dict(
    type='SYNTHIADataset',
    data_root='{{$UDAS_DATA_ROOT:data}}/synthia',
    data_prefix=dict(img_path='RGB'),
    pipeline=_base_.whole_pipeline)
train_dataloader = dict(dataset=dict(source=dict(source, _delete_=True, pipeline=_base_.crop_pipeline)))
translate_dataloader = dict(dataset=dict(source, _delete_=True))
default_hooks = dict(panels=dict(dataset=dict(source=dict(source, _delete_=True))))
