"""Batches of translated CARLA images and 1 labelled CamVid image, half and half in the mean (3 classes).

python tools/translate.py configs/benchmarks/carla2camvid/cyclegan.py CHECKPOINT --out data/carla_cyclegan
UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/labeled_1_mixed_batches.py
Figures: docs/results.md.
"""
_base_ = './source_only.py'
labeled_target = dict(_base_.labeled_target_train, ann_file='splits/labeled_1.txt')
# the repetition is seen as often as the 3,000 CARLA images
repeated_target = dict(type='RepeatDataset', times=3000, dataset=labeled_target)
train_dataloader = dict(
    dataset=dict(
        dataset=dict(_delete_=True, type='ConcatDataset', datasets=[_base_.translated_train, repeated_target])))
