r"""CycleGAN between GTA5 and Cityscapes, 640 pixels wide, on crops of 256x256.

python tools/train.py configs/translation/cyclegan_resnet9_200k_gta2cs-640x360.py
python tools/translate.py configs/translation/cyclegan_resnet9_200k_gta2cs-640x360.py CHECKPOINT \
    --out data/gta5_translated --size 640x360
"""
_base_ = [
    '../_base_/translation_runtime.py', '../_base_/models/cyclegan_resnet9.py', '../_base_/datasets/gta2cs_640x360.py'
]
# images keep their aspect ratio: GTA5's become 640x352, Cityscapes' 640x320
keep_ratio = dict(type='AntialiasedResize', scale=_base_.size, keep_ratio=True)
whole_pipeline = [dict(type='LoadVerifiedImage'), keep_ratio, dict(type='PackSegInputs')]
crop_pipeline = [
    dict(type='LoadVerifiedImage'), keep_ratio,
    dict(type='RandomCrop', crop_size=(256, 256)),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs')
]
source = dict(
    type='GTA5Dataset', data_root=_base_.source_root, data_prefix=dict(img_path='images'), pipeline=whole_pipeline)
target = dict(_base_.target_train, pipeline=whole_pipeline)
train_dataloader = dict(
    batch_size=1,
    dataset=dict(source=dict(source, pipeline=crop_pipeline), target=dict(target, pipeline=crop_pipeline)))
translate_dataloader = dict(batch_size=4, num_workers=4, dataset=source)

# constant for the first half, then linearly to 0, as in the paper
param_scheduler = [dict(type='LinearLR', start_factor=1.0, end_factor=0.0, begin=100000, end=200000, by_epoch=False)]
train_cfg = dict(type='PositionTrainLoop', max_iters=200000)
default_hooks = dict(panels=dict(dataset=dict(source=source, target=target)))
