# Cityscapes -> Dark Zurich at night, with the sizes of cs2acdc_512x512.py. Scored on Dark Zurich's val.
_base_ = './cs2acdc_512x512.py'
target_root = '{{$UDAS_DATA_ROOT:data}}/dark_zurich'
night_train = dict(
    type='DarkZurichDataset',
    data_root=target_root,
    data_prefix=dict(img_path='rgb_anon/train/night'),
    pipeline=_base_.target_pipeline)
night_val = dict(
    type='DarkZurichDataset',
    data_root=target_root,
    data_prefix=dict(img_path='rgb_anon/val/night', seg_map_path='gt/val/night'),
    test_mode=True,
    pipeline=_base_.test_pipeline)
target_train = dict(_delete_=True, **night_train)
target_val = dict(_delete_=True, **night_val)
train_dataloader = dict(dataset=dict(target=dict(_delete_=True, **night_train)))
val_dataloader = dict(dataset=dict(_delete_=True, **night_val))
test_dataloader = dict(dataset=dict(_delete_=True, **night_val))
