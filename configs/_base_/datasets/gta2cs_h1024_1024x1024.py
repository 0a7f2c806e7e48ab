# gta2cs_1024x1024.py with GTA5 at 1863x1024, so that both domains have a height of 1024, and 8 + 8 images: the sizes of
# VFM-UDA, without its scaling by 0.9 to 1.1.
_base_ = './gta2cs_1024x1024.py'
source_pipeline = [
    dict(type='LoadVerifiedImage'),
    dict(type='LoadLabelIds'),
    dict(type='Resize', scale=(1863, 1024), keep_ratio=False), _base_.crop, _base_.flip,
    dict(type='PackSegInputs')
]
source_train = dict(pipeline=source_pipeline)
train_dataloader = dict(batch_size=8, dataset=dict(source=dict(pipeline=source_pipeline)))
