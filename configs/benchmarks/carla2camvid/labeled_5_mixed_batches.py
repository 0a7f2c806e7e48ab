"""Batches of translated CARLA images and 5 labelled CamVid images, half and half in the mean (3 classes).

python tools/translate.py configs/benchmarks/carla2camvid/cyclegan.py CHECKPOINT --out data/carla_cyclegan
UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/labeled_5_mixed_batches.py
Figures: docs/results.md.
"""
_base_ = './labeled_1_mixed_batches.py'
labeled_target = dict(_base_.labeled_target, ann_file='splits/labeled_5.txt')
repeated_target = dict(type='RepeatDataset', times=600, dataset=labeled_target)
train_dataloader = dict(dataset=dict(dataset=dict(datasets=[_base_.translated_train, repeated_target])))
