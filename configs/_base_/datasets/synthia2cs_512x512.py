# SYNTHIA-RAND-CITYSCAPES at its own 1280x760 -> Cityscapes at 1024x512, in crops of 512x512 with flips, 2 + 2 images,
# scored on 19, 16 and 13 classes: the sizes of DAFormer.
_base_ = './synthia2cs_1280x760.py'
crop = dict(type='RandomCrop', crop_size=(512, 512))
flip = dict(type='RandomFlip', prob=0.5)
source_pipeline = [*_base_.source_pipeline[:-1], crop, flip, dict(type='PackSegInputs')]
target_pipeline = [*_base_.target_pipeline[:-1], crop, flip, dict(type='PackSegInputs')]
source_train = dict(pipeline=source_pipeline)
target_train = dict(pipeline=target_pipeline)
train_dataloader = dict(
    batch_size=2, dataset=dict(source=dict(pipeline=source_pipeline), target=dict(pipeline=target_pipeline)))
