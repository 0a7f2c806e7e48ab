# Cityscapes in crops of 800x800: a few images with labels, the others without. Root: cityscapes below UDAS_DATA_ROOT
# (default: data), as downloaded; label ids are mapped when they are read.
data_root = '{{$UDAS_DATA_ROOT:data}}/cityscapes'
crop = (800, 800)  # smaller images are padded by the preprocessor, so that no teacher labels the padding

resize = dict(
    type='RandomResize', resize_type='AntialiasedResize', scale=(2048, 1024), ratio_range=(0.5, 2.0), keep_ratio=True)
labeled_pipeline = [
    dict(type='LoadVerifiedImage'),
    dict(type='LoadLabelIds', label_map='cityscapes'), resize,
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
test_pipeline = [
    dict(type='LoadVerifiedImage'),
    dict(type='LoadLabelIds', label_map='cityscapes'),
    dict(type='PackSegInputs')
]

labeled_train = dict(
    type='CityscapesDataset',
    data_root=data_root,
    data_prefix=dict(img_path='leftImg8bit/train', seg_map_path='gtFine/train'),
    seg_map_suffix='_gtFine_labelIds.png',
    pipeline=labeled_pipeline)
unlabeled_train = dict(
    type='CityscapesDataset',
    data_root=data_root,
    data_prefix=dict(img_path='leftImg8bit/train'),
    pipeline=unlabeled_pipeline)
val = dict(
    type='CityscapesDataset',
    data_root=data_root,
    data_prefix=dict(img_path='leftImg8bit/val', seg_map_path='gtFine/val'),
    seg_map_suffix='_gtFine_labelIds.png',
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
