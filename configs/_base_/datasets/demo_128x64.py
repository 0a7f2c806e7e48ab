# The generated street scenes of demo_256x128.py at half their size, for fast runs: crops of 128x64, scored at the size
# of the labels.
_base_ = './demo_256x128.py'
size = (128, 64)
half = dict(type='Resize', scale=size, keep_ratio=False, interpolation='area')
# scaled, padded or cropped to the common size, and flipped
weak = dict(type='SegWeakAugment', crop_size=(64, 128), scale_range=(0.8, 1.5), flip_prob=0.5)
load, pack = dict(type='LoadVerifiedImage'), dict(type='PackSegInputs')
source_pipeline = [load, dict(type='LoadLabelIds'), half, weak, pack]
labeled_target_pipeline = [load, dict(type='LoadLabelIds', label_map='cityscapes'), half, weak, pack]
target_pipeline = [load, half, weak, pack]
source_train = dict(pipeline=source_pipeline)
source_val = dict(pipeline=[load, half, dict(type='LoadLabelIds'), pack])
labeled_target_train = dict(pipeline=labeled_target_pipeline)
target_train = dict(pipeline=target_pipeline)
target_val = dict(pipeline=[load, half, dict(type='LoadLabelIds', label_map='cityscapes'), pack])
train_dataloader = dict(dataset=dict(source=source_train, target=target_train))
# for the statistics of batch norm: the validation pipeline, without labels
target_images = dict(_base_.target_train, pipeline=[load, half, pack])
val_dataloader = dict(dataset=target_val)
test_dataloader = val_dataloader
