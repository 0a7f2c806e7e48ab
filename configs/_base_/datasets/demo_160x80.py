# The generated street scenes of demo_256x128.py at 5/8 of their size, for fast runs: crops of 160x80, scored at the
# size of the labels.
_base_ = './demo_256x128.py'
size = (160, 80)
metainfo = dict(
    classes=('road', 'sidewalk', 'building', 'wall', 'fence', 'pole', 'traffic light', 'traffic sign', 'vegetation',
             'terrain', 'sky', 'person', 'rider', 'car', 'truck', 'bus', 'train', 'motorcycle', 'bicycle'),
    palette=[[128, 64, 128], [244, 35, 232], [70, 70, 70], [102, 102, 156], [190, 153, 153], [153, 153, 153],
             [250, 170, 30], [220, 220, 0], [107, 142, 35], [152, 251, 152], [70, 130, 180], [220, 20, 60], [255, 0, 0],
             [0, 0, 142], [0, 0, 70], [0, 60, 100], [0, 80, 100], [0, 0, 230], [119, 11, 32]])
class_weight = None  # all classes count the same in the losses
smaller = dict(type='Resize', scale=size, keep_ratio=False, interpolation='area')
# scaled, padded or cropped to the common size, and flipped
weak = dict(type='SegWeakAugment', crop_size=(80, 160), scale_range=(0.8, 1.5), flip_prob=0.5)
load, pack = dict(type='LoadVerifiedImage'), dict(type='PackSegInputs')
source_pipeline = [load, dict(type='LoadLabelIds'), smaller, weak, pack]
labeled_target_pipeline = [load, dict(type='LoadLabelIds', label_map='cityscapes'), smaller, weak, pack]
target_pipeline = [load, smaller, weak, pack]
source_train = dict(pipeline=source_pipeline)
source_val = dict(pipeline=[load, smaller, dict(type='LoadLabelIds'), pack])
labeled_target_train = dict(pipeline=labeled_target_pipeline)
target_train = dict(pipeline=target_pipeline)
target_val = dict(pipeline=[load, smaller, dict(type='LoadLabelIds', label_map='cityscapes'), pack])
train_dataloader = dict(dataset=dict(source=source_train, target=target_train))
# for the statistics of batch norm: the validation pipeline, without labels
target_images = dict(_base_.target_train, pipeline=[load, smaller, pack])
val_dataloader = dict(dataset=target_val)
test_dataloader = val_dataloader
