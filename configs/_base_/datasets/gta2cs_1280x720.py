# GTA5 at 1280x720 -> Cityscapes at 1024x512, whole images and no flips: the sizes of AdaptSegNet and AdvEnt.
_base_ = './gta2cs_640x360.py'
source_size = (1280, 720)
target_size = (1024, 512)

source_pipeline = [
    dict(type='LoadVerifiedImage'),
    dict(type='LoadLabelIds'),
    dict(type='AntialiasedResize', scale=source_size, keep_ratio=False),
    dict(type='PackSegInputs')
]
target_pipeline = [
    dict(type='LoadVerifiedImage'),
    dict(type='AntialiasedResize', scale=target_size, keep_ratio=False),
    dict(type='PackSegInputs')
]
test_pipeline = [
    dict(type='LoadVerifiedImage'),
    dict(type='AntialiasedResize', scale=target_size, keep_ratio=False),
    # after the resize, so that predictions are scored at the size of the label file
    dict(type='LoadLabelIds', label_map='cityscapes'),
    dict(type='PackSegInputs')
]
source_train = dict(pipeline=source_pipeline)
target_train = dict(pipeline=target_pipeline)
target_val = dict(pipeline=test_pipeline)
train_dataloader = dict(
    dataset=dict(source=dict(pipeline=source_pipeline), target=dict(pipeline=target_pipeline)))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
