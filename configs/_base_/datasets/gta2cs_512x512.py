# GTA5 at 1280x720 -> Cityscapes at 1024x512, in crops of 512x512 with flips, 2 + 2 images: the sizes of DAFormer.
_base_ = './gta2cs_1280x720.py'
crop = dict(type='RandomCrop', crop_size=(512, 512))
flip = dict(type='RandomFlip', prob=0.5)
source_pipeline = [*_base_.source_pipeline[:-1], crop, flip, dict(type='PackSegInputs')]
target_pipeline = [*_base_.target_pipeline[:-1], crop, flip, dict(type='PackSegInputs')]
source_train = dict(pipeline=source_pipeline)
target_train = dict(pipeline=target_pipeline)
# a few target images with labels, in the sizes of the others, and the others without
labeled_target_pipeline = [
    dict(type='LoadVerifiedImage'),
    dict(type='LoadLabelIds', label_map='cityscapes'), *target_pipeline[1:]
]
labeled_target_train = dict(pipeline=labeled_target_pipeline)
labeled_budget = dict(dataset=dict(pipeline=labeled_target_pipeline))
unlabeled_budget = dict(dataset=dict(pipeline=target_pipeline))
train_dataloader = dict(
    batch_size=2, dataset=dict(source=dict(pipeline=source_pipeline), target=dict(pipeline=target_pipeline)))
