# Cityscapes at 1024x512 -> ACDC (fog, night, rain, snow) at 960x540, in crops of 512x512 with flips, 2 + 2 images: the
# sizes of DAFormer. Roots: cityscapes/ and acdc/ below UDAS_DATA_ROOT (default: data). Scored on ACDC's val.
source_root = '{{$UDAS_DATA_ROOT:data}}/cityscapes'
target_root = '{{$UDAS_DATA_ROOT:data}}/acdc'
load, pack = dict(type='LoadVerifiedImage'), dict(type='PackSegInputs')
crop = dict(type='RandomCrop', crop_size=(512, 512))
flip = dict(type='RandomFlip', prob=0.5)
target_resize = dict(type='AntialiasedResize', scale=(960, 540), keep_ratio=False)
source_pipeline = [
    load,
    dict(type='LoadLabelIds', label_map='cityscapes'),
    dict(type='AntialiasedResize', scale=(1024, 512), keep_ratio=False), crop, flip, pack
]
target_pipeline = [load, target_resize, crop, flip, pack]
# the label is read after the resize, so that predictions are scored at the size of the label file
test_pipeline = [load, target_resize, dict(type='LoadLabelIds'), pack]

source_train = dict(
    type='CityscapesDataset',
    data_root=source_root,
    data_prefix=dict(img_path='leftImg8bit/train', seg_map_path='gtFine/train'),
    seg_map_suffix='_gtFine_labelIds.png',
    pipeline=source_pipeline)
target_train = dict(
    type='ACDCDataset',
    split='train',
    data_root=target_root,
    data_prefix=dict(img_path='rgb_anon'),
    pipeline=target_pipeline)
target_val = dict(
    type='ACDCDataset',
    split='val',
    data_root=target_root,
    data_prefix=dict(img_path='rgb_anon', seg_map_path='gt'),
    test_mode=True,
    pipeline=test_pipeline)

train_dataloader = dict(
    batch_size=2,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='PositionSampler'),
    dataset=dict(type='DomainPairDataset', source=source_train, target=target_train))
val_dataloader = dict(
    batch_size=1,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=target_val)
test_dataloader = val_dataloader
val_evaluator = dict(type='SubsetIoUMetric')
test_evaluator = val_evaluator
