# PASCAL VOC 2012 with the labels of SBD, 21 classes, in crops of 512x512: a few images with labels, the others without.
# Root: VOCdevkit/VOC2012 below UDAS_DATA_ROOT (default: data). MMSegmentation's tools/dataset_converters/voc_aug.py
# writes SegmentationClassAug and trainaug.txt (10,582 images). Borders of objects are ignored (255).
data_root = '{{$UDAS_DATA_ROOT:data}}/VOCdevkit/VOC2012'
crop = (512, 512)  # smaller images are padded by the preprocessor, so that no teacher labels the padding

# most images are 500 pixels long: 0.5 to 2 times their size
resize = dict(
    type='RandomResize', resize_type='AntialiasedResize', scale=(500, 500), ratio_range=(0.5, 2.0), keep_ratio=True)
labeled_pipeline = [
    dict(type='LoadVerifiedImage'),
    dict(type='LoadLabelIds'), resize,
    dict(type='RandomCrop', crop_size=crop, cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs')
]
unlabeled_pipeline = [
    dict(type='LoadVerifiedImage'), resize,
    dict(type='RandomCrop', crop_size=crop),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs')
]
test_pipeline = [dict(type='LoadVerifiedImage'), dict(type='LoadLabelIds'), dict(type='PackSegInputs')]

labeled_train = dict(
    type='PascalVOCDataset',
    data_root=data_root,
    data_prefix=dict(img_path='JPEGImages', seg_map_path='SegmentationClassAug'),
    ann_file='ImageSets/Segmentation/trainaug.txt',
    pipeline=labeled_pipeline)
unlabeled_train = dict(
    type='PascalVOCDataset',
    data_root=data_root,
    data_prefix=dict(img_path='JPEGImages'),
    ann_file='ImageSets/Segmentation/trainaug.txt',
    pipeline=unlabeled_pipeline)
val = dict(
    type='PascalVOCDataset',
    data_root=data_root,
    data_prefix=dict(img_path='JPEGImages', seg_map_path='SegmentationClass'),
    ann_file='ImageSets/Segmentation/val.txt',
    test_mode=True,
    pipeline=test_pipeline)
# docs/datasets.md, "Label budgets"; for lists of other authors, "Published lists"
labeled_budget = dict(type='LabelBudgetDataset', n='1/16', seed=2021, part='labeled', dataset=labeled_train)
unlabeled_budget = dict(type='LabelBudgetDataset', n='1/16', seed=2021, part='unlabeled', dataset=unlabeled_train)

train_dataloader = dict(
    batch_size=8,  # labelled and as many unlabelled images: divide by the number of processes
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='PositionSampler'),
    dataset=dict(type='DomainPairDataset', labeled_target=labeled_budget, target=unlabeled_budget))
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=val)
test_dataloader = val_dataloader
val_evaluator = dict(type='SubsetIoUMetric')
test_evaluator = val_evaluator
