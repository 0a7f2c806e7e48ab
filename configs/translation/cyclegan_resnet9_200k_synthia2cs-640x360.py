r"""CycleGAN between SYNTHIA and Cityscapes, 640 pixels wide, on crops of 256x256.

python tools/train.py configs/translation/cyclegan_resnet9_200k_synthia2cs-640x360.py
python tools/translate.py configs/translation/cyclegan_resnet9_200k_synthia2cs-640x360.py CHECKPOINT \
    --out data/synthia_translated
"""
_base_ = './cyclegan_resnet9_200k_gta2cs-640x360.py'
source = dict(
    type='SYNTHIADataset',
    data_root='{{$UDAS_DATA_ROOT:data}}/synthia',
    data_prefix=dict(img_path='RGB'),
    pipeline=_base_.whole_pipeline)
train_dataloader = dict(dataset=dict(source=dict(source, _delete_=True, pipeline=_base_.crop_pipeline)))
translate_dataloader = dict(dataset=source)
default_hooks = dict(panels=dict(dataset=dict(source=source)))
