"""The teacher of UDAS with 5 labelled CamVid images: these and translated CARLA, half and half in the mean, and UDA.

3 classes.

python tools/translate.py configs/benchmarks/carla2camvid/cyclegan.py CHECKPOINT --out data/carla_cyclegan
UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/ladder/adapted_5.py
Figures: docs/results.md.
"""
_base_ = './adapted_0.py'
labeled_target = dict(
    _base_.labeled_target_train,
    pipeline=[*_base_.labeled_target_pipeline[:4], _base_.mix_pad, *_base_.labeled_target_pipeline[4:]],
    ann_file='splits/labeled_5.txt')
repeated_target = dict(type='RepeatDataset', times=600, dataset=labeled_target)
labeled_train = dict(type='ConcatDataset', datasets=[_base_.translated_train, repeated_target])
train_dataloader = dict(
    dataset=dict(source=dict(_delete_=True, **labeled_train), target=dict(ann_file='splits/unlabeled_without_5.txt')))
