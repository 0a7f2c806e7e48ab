# Generated street scenes in the formats of GTA5 and Cityscapes (`tools/make_demo_data.py`), read by the same loaders as
# the real data sets. Folder: UDAS_DEMO_ROOT (default: data/demo).
source_root = '{{$UDAS_DEMO_ROOT:data/demo}}/gta5'
target_root = '{{$UDAS_DEMO_ROOT:data/demo}}/cityscapes'
size = (256, 128)

resize = dict(type='RandomResize', scale=size, ratio_range=(0.8, 1.5), keep_ratio=True)
crop = dict(type='RandomCrop', crop_size=(128, 256))
source_pipeline = [
    dict(type='LoadVerifiedImage'),
    dict(type='LoadLabelIds'), resize, crop,
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs')
]
labeled_target_pipeline = [
    dict(type='LoadVerifiedImage'),
    dict(type='LoadLabelIds', label_map='cityscapes'), resize, crop,
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs')
]
target_pipeline = [
    dict(type='LoadVerifiedImage'), resize, crop,
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs')
]
source_test_pipeline = [dict(type='LoadVerifiedImage'), dict(type='LoadLabelIds'), dict(type='PackSegInputs')]
test_pipeline = [
    dict(type='LoadVerifiedImage'),
    dict(type='LoadLabelIds', label_map='cityscapes'),
    dict(type='PackSegInputs')
]

source_train = dict(
    type='GTA5Dataset',
    data_root=source_root,
    ann_file='train.txt',
    data_prefix=dict(img_path='images', seg_map_path='labels'),
    pipeline=source_pipeline)
source_val = dict(
    type='GTA5Dataset',
    data_root=source_root,
    ann_file='val.txt',
    data_prefix=dict(img_path='images', seg_map_path='labels'),
    test_mode=True,
    pipeline=source_test_pipeline)
target_train = dict(
    type='CityscapesDataset',
    data_root=target_root,
    data_prefix=dict(img_path='leftImg8bit/train'),
    pipeline=target_pipeline)
labeled_target_train = dict(
    type='CityscapesDataset',
    data_root=target_root,
    data_prefix=dict(img_path='leftImg8bit/train', seg_map_path='gtFine/train'),
    seg_map_suffix='_gtFine_labelIds.png',
    pipeline=labeled_target_pipeline)
# a few labelled "real" scenes, and Domain CutMix of them with "simulated" ones. Both domains have the size of the crop:
# RandomCrop alone does not change smaller images
weak_crop = dict(type='SegWeakAugment', crop_size=(128, 256), scale_range=(0.8, 1.5), flip_prob=0.5)
few = dict(type='LabelBudgetDataset', n=10, seed=2021)
few_cutmix = dict(
    type='DomainMixDataset',
    dataset=dict(source_train, pipeline=[*source_pipeline[:2], weak_crop]),
    target=dict(
        few,
        part='labeled',
        dataset=dict(labeled_target_train, pipeline=[*labeled_target_pipeline[:2], weak_crop])),
    pipeline=[
        dict(type='DomainCutMix', alpha=1.0),
        dict(type='SegAutoAugment', policy='imagenet'),
        dict(type='PackSegInputs')
    ])
target_val = dict(
    type='CityscapesDataset',
    data_root=target_root,
    data_prefix=dict(img_path='leftImg8bit/val', seg_map_path='gtFine/val'),
    seg_map_suffix='_gtFine_labelIds.png',
    test_mode=True,
    pipeline=test_pipeline)

train_dataloader = dict(
    batch_size=4,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='PositionSampler'),
    dataset=dict(type='DomainPairDataset', source=source_train, target=target_train))
val_dataloader = dict(
    batch_size=1,
    num_workers=1,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=target_val)
test_dataloader = val_dataloader
val_evaluator = dict(type='SubsetIoUMetric')
test_evaluator = val_evaluator
