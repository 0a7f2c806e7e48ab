"""1 labelled CamVid image, and nothing else, scored on CamVid val (3 classes).

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/labeled_1_supervised.py
Figures: docs/results.md.
"""
_base_ = './source_only.py'
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='StreamDataset',
        branch='labeled_target',
        dataset=dict(_base_.labeled_target_train, ann_file='splits/labeled_1.txt')))
