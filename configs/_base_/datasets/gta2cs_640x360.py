# GTA5 -> Cityscapes at 640x360, the size that UDAS trained at. Roots: data/gta5 and data/cityscapes below
# UDAS_DATA_ROOT (default: data). Both sets are used as downloaded; label ids are mapped when they are read.
source_root = '{{$UDAS_DATA_ROOT:data}}/gta5'
target_root = '{{$UDAS_DATA_ROOT:data}}/cityscapes'
size = (640, 360)

source_pipeline = [
    dict(type='LoadVerifiedImage'),
    dict(type='LoadLabelIds'),
    dict(type='AntialiasedResize', scale=size, keep_ratio=False),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs')
]
target_pipeline = [
    dict(type='LoadVerifiedImage'),
    dict(type='AntialiasedResize', scale=size, keep_ratio=False),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs')
]
labeled_target_pipeline = [
    dict(type='LoadVerifiedImage'),
    dict(type='LoadLabelIds', label_map='cityscapes'),
    dict(type='AntialiasedResize', scale=size, keep_ratio=False),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PackSegInputs')
]
test_pipeline = [
    dict(type='LoadVerifiedImage'),
    dict(type='AntialiasedResize', scale=size, keep_ratio=False),
    # after the resize, so that predictions are scored at the size of the label file
    dict(type='LoadLabelIds', label_map='cityscapes'),
    dict(type='PackSegInputs')
]

source_train = dict(
    type='GTA5Dataset',
    data_root=source_root,
    data_prefix=dict(img_path='images', seg_map_path='labels'),
    pipeline=source_pipeline)
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
# without flips, for batch norm's statistics
target_images = dict(target_train, pipeline=[*test_pipeline[:2], dict(type='PackSegInputs')])
# images of `tools/translate.py configs/translation/cyclegan_resnet9_200k_gta2cs-640x360.py` in place of GTA5's
translated_train = dict(
    source_train, translated_root='{{$UDAS_DATA_ROOT:data}}/gta5_translated', missing_translation='error')
# a few target images with labels (docs/datasets.md, "Label budgets"), and the others without
strong = dict(type='SegAutoAugment', policy='imagenet')
labeled_budget = dict(
    type='LabelBudgetDataset',
    n=500,
    seed=2021,
    part='labeled',
    dataset=dict(labeled_target_train, pipeline=labeled_target_pipeline[:-1]))
unlabeled_budget = dict(
    type='LabelBudgetDataset', n=500, seed=2021, part='unlabeled', whole_if_empty=True, dataset=target_train)
# training data of students: translated images, and target images with a teacher's labels, all strongly augmented
strong_translated_train = dict(
    translated_train, pipeline=[*source_pipeline[:-1], strong,
                                dict(type='PackSegInputs')])
pseudo_labeled_train = dict(
    type='PseudoLabeledDataset',
    pseudo_label_root='{{$UDAS_PSEUDO_ROOT:work_dirs/pseudo_labels}}/udas/gta2cs',
    metainfo='CityscapesDataset',
    data_root=target_root,
    data_prefix=dict(img_path='leftImg8bit/train'),
    img_suffix='_leftImg8bit.png',
    pipeline=[
        dict(type='LoadVerifiedImage'),
        dict(type='LoadPseudoLabel', threshold=0.6),
        dict(type='AntialiasedResize', scale=size, keep_ratio=False),
        dict(type='RandomFlip', prob=0.5), strong,
        dict(type='PackSegInputs')
    ])
# Domain CutMix of both domains, then AutoAugment on the mixed image
mixed_train = dict(
    type='DomainMixDataset',
    dataset=dict(translated_train, pipeline=source_pipeline[:-1]),
    target=labeled_budget,
    pipeline=[dict(type='DomainCutMix', alpha=1.0), strong,
              dict(type='PackSegInputs')])
target_val = dict(
    type='CityscapesDataset',
    data_root=target_root,
    data_prefix=dict(img_path='leftImg8bit/val', seg_map_path='gtFine/val'),
    seg_map_suffix='_gtFine_labelIds.png',
    test_mode=True,
    pipeline=test_pipeline)

train_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='PositionSampler'),
    # some labels of GTA5 do not have the size of their image; the log names each of them
    # with cache=True, each image is decoded and resized only once (docs/datasets.md)
    dataset=dict(type='DomainPairDataset', source=source_train, target=target_train, max_broken=100))
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=target_val)
test_dataloader = val_dataloader
val_evaluator = dict(type='SubsetIoUMetric')
test_evaluator = val_evaluator
