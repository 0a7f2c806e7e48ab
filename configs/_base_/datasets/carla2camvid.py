# CARLA 0.9.13 frames -> CamVid, three classes: road, sidewalk, other. For another pair, write a file like this one.
# Roots: carla/ and camvid/ below UDAS_DATA_ROOT (default: data).
# The protocol: trainings see the images of splits/pool.txt, which are the first 70 % of each sequence of CamVid's
# training set. All models are scored on the last 30 % (splits/judge_<sequence>.txt) and on CamVid val. The figure
# that decides is the mean over the three sequences, mIoU/mean, with the worst one, mIoU/worst. Val is the end of one
# of these streets, so it rewards what is learnt from unlabelled images of this street.
source_root = '{{$UDAS_DATA_ROOT:data}}/carla'
target_root = '{{$UDAS_DATA_ROOT:data}}/camvid'
metainfo = dict(
    classes=('road', 'sidewalk', 'other'), palette=[[128, 64, 128], [244, 35, 232], [70, 130, 180]])
camvid_label_map = {0: 2, 1: 2, 2: 2, 3: 0, 4: 1, 5: 2, 6: 2, 7: 2, 8: 2, 9: 2, 10: 2, 11: 255}
crop = (80, 160)  # height, width
# all training images, splits/train.txt, contain those of the judges, whose scores then also measure memory
target_list = '{{$UDAS_CAMVID_LIST:splits/pool.txt}}'

# stronger than MMSegmentation's default: without target labels, brightness and contrast of other weather are most of
# the gap (docs/results.md)
distortion = dict(
    type='PhotoMetricDistortion',
    brightness_delta=80,
    contrast_range=(0.35, 1.5),
    saturation_range=(0.5, 1.5),
    hue_delta=8)
source_pipeline = [
    dict(type='LoadVerifiedImage'),
    dict(type='LoadLabelIds'),
    dict(type='RandomResize', scale=(160, 80), ratio_range=(1.0, 1.6), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop),
    dict(type='RandomFlip', prob=0.5), distortion,
    dict(type='PackSegInputs')
]
# a third of CamVid's size, with averaging, because bilinear sampling would skip pixels
target_resize = dict(
    type='RandomResize', scale=(160, 120), ratio_range=(0.75, 1.4), keep_ratio=True, interpolation='area')
labeled_target_pipeline = [
    dict(type='LoadVerifiedImage'),
    dict(type='LoadLabelIds'), target_resize,
    dict(type='RandomCrop', crop_size=crop),
    dict(type='RandomFlip', prob=0.5), distortion,
    dict(type='PackSegInputs')
]
target_pipeline = [
    dict(type='LoadVerifiedImage'), target_resize,
    dict(type='RandomCrop', crop_size=crop),
    dict(type='RandomFlip', prob=0.5), distortion,
    dict(type='PackSegInputs')
]
test_pipeline = [
    dict(type='LoadVerifiedImage'),
    dict(type='Resize', scale=(160, 120), keep_ratio=True, interpolation='area'),
    dict(type='LoadLabelIds'),
    dict(type='PackSegInputs')
]

source_train = dict(
    type='LabelMappedDataset',
    metainfo=metainfo,
    data_root=source_root,
    data_prefix=dict(img_path='images', seg_map_path='labels'),
    img_suffix='.jpg',
    pipeline=source_pipeline)
target_train = dict(
    type='LabelMappedDataset',
    metainfo=metainfo,
    data_root=target_root,
    data_prefix=dict(img_path='images/train'),
    ann_file=target_list,
    img_suffix='.jpg',
    pipeline=target_pipeline)
# for the statistics of batch norm: the validation pipeline, without labels
target_images = dict(target_train, pipeline=[*test_pipeline[:2], dict(type='PackSegInputs')])
labeled_target_train = dict(
    type='LabelMappedDataset',
    metainfo=metainfo,
    label_map=camvid_label_map,
    data_root=target_root,
    data_prefix=dict(img_path='images/train', seg_map_path='labels/train'),
    ann_file=target_list,
    img_suffix='.jpg',
    pipeline=labeled_target_pipeline)
# images from `tools/translate.py configs/benchmarks/carla2camvid/cyclegan.py` instead of CARLA's
translated_train = dict(
    source_train, translated_root='{{$UDAS_TRANSLATED_ROOT:data}}/carla_cyclegan', missing_translation='error')
# `budget` images of the pool with labels, the others without
pool_budget = dict(
    type='LabelBudgetDataset',
    n=5,
    split_dir='splits',
    split_names=dict(labeled='pool_labeled_{n}.txt', unlabeled='pool_without_{n}.txt'))
labeled_budget = dict(pool_budget, part='labeled', dataset=labeled_target_train)
unlabeled_budget = dict(pool_budget, part='unlabeled', dataset=target_train)
# Domain CutMix of both: each domain in the size of the crop, contrast and brightness of the mixed image
mix_flip = dict(type='RandomFlip', prob=0.5)
# CamVid's smallest scales are narrower than the crop: pad as the preprocessor does without mixing
mix_pad = dict(type='Pad', size=(160, 80), pad_val=dict(img=(128, 128, 128), seg=255))
cutmix_train = dict(
    type='DomainMixDataset',
    dataset=dict(translated_train, pipeline=[*source_pipeline[:4], mix_flip]),
    target=dict(
        labeled_budget,
        dataset=dict(labeled_target_train, pipeline=[*labeled_target_pipeline[:4], mix_pad, mix_flip])),
    pipeline=[dict(type='DomainCutMix', alpha=1.0), distortion,
              dict(type='PackSegInputs')])
# translated CARLA and the labelled CamVid images, repeated to the number of CARLA's: half of the images on average
repeated_budget = dict(type='RepeatToLengthDataset', length=3000, dataset=labeled_budget)
half_labeled_train = dict(type='ConcatDataset', datasets=[translated_train, repeated_budget])
# the same for batches with other images: all have the size of the crop
padded_budget = dict(
    labeled_budget,
    dataset=dict(
        labeled_target_train, pipeline=[*labeled_target_pipeline[:4], mix_pad, *labeled_target_pipeline[4:]]))
half_labeled_padded_train = dict(
    type='ConcatDataset', datasets=[translated_train, dict(repeated_budget, dataset=padded_budget)])
# for semi-supervised training: a few labelled CamVid images, alone or with translated CARLA, and weak views of the
# unlabelled ones, which are labelled as they are: resized, cropped and flipped, without other colours
weak_budget = dict(
    unlabeled_budget, dataset=dict(target_train, pipeline=[*target_pipeline[:4],
                                                           dict(type='PackSegInputs')]))
few_labeled_pair = dict(type='DomainPairDataset', labeled_target=labeled_budget, target=weak_budget)
half_labeled_pair = dict(type='DomainPairDataset', source=half_labeled_padded_train, target=weak_budget)
# CamVid images with the labels of a teacher, in the size of the crop
pseudo_labeled_train = dict(
    target_train,
    type='PseudoLabeledDataset',
    pseudo_label_root='{{$UDAS_PSEUDO_ROOT:work_dirs/pseudo_labels}}/carla2camvid',
    pipeline=[
        dict(type='LoadVerifiedImage'),
        dict(type='LoadPseudoLabel', threshold=0.8), *labeled_target_pipeline[2:4], mix_pad,
        *labeled_target_pipeline[4:]
    ])
target_val = dict(
    type='LabelMappedDataset',
    metainfo=metainfo,
    label_map=camvid_label_map,
    data_root=target_root,
    data_prefix=dict(img_path='images/val', seg_map_path='labels/val'),
    img_suffix='.jpg',
    test_mode=True,
    pipeline=test_pipeline)
target_judges = [
    dict(
        target_val,
        data_prefix=dict(img_path='images/train', seg_map_path='labels/train'),
        ann_file=f'splits/judge_{sequence}.txt') for sequence in ('0001TP', '0006R0', '0016E5')
]
# the scores of CamVid's sequences and of val, and the mean and the worst of the sequences
camvid_sequence = r'/images/(?:train/([^/_]+)_|(val)/)'

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
test_dataloader = dict(val_dataloader, dataset=dict(type='ConcatDataset', datasets=[target_val, *target_judges]))
val_evaluator = dict(type='SubsetIoUMetric')
test_evaluator = dict(val_evaluator, groups=dict(pattern=camvid_sequence, not_in_mean=['val']))
