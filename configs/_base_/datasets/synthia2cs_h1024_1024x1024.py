# SYNTHIA-RAND-CITYSCAPES and Cityscapes with a height of 1024, in crops of 1024x1024 with flips, 8 + 8 images, scored
# on 19, 16 and 13 classes: the sizes of VFM-UDA, without its scaling by 0.9 to 1.1.
_base_ = './synthia2cs_1280x760.py'
source_size = (1725, 1024)
target_size = (2048, 1024)
crop = dict(type='RandomCrop', crop_size=(1024, 1024))
flip = dict(type='RandomFlip', prob=0.5)
source_pipeline = [
    dict(type='LoadVerifiedImage'),
    dict(type='LoadLabelIds'),
    dict(type='Resize', scale=source_size, keep_ratio=False), crop, flip,
    dict(type='PackSegInputs')
]
target_pipeline = [
    dict(type='LoadVerifiedImage'),
    dict(type='Resize', scale=target_size, keep_ratio=False), crop, flip,
    dict(type='PackSegInputs')
]
test_pipeline = [
    dict(type='LoadVerifiedImage'),
    dict(type='Resize', scale=target_size, keep_ratio=False),
    # after the resize, so that predictions are scored at the size of the label file
    dict(type='LoadLabelIds', label_map='cityscapes'),
    dict(type='PackSegInputs')
]
source_train = dict(pipeline=source_pipeline)
target_train = dict(pipeline=target_pipeline)
target_val = dict(pipeline=test_pipeline)
train_dataloader = dict(
    batch_size=8, dataset=dict(source=dict(pipeline=source_pipeline), target=dict(pipeline=target_pipeline)))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
