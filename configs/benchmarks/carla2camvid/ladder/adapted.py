"""The teacher of UDAS with 5 labelled CamVid images: these and translated CARLA, half and half in the mean, and UDA.

3 classes.

python tools/translate.py configs/benchmarks/carla2camvid/cyclegan.py CHECKPOINT --out data/carla_cyclegan
UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/ladder/adapted_5.py
Figures: docs/results.md.
"""
_base_ = './adapted_0.py'
train_dataloader = dict(
    dataset=dict(
        source=dict(_delete_=True, **_base_.mixed_5_train), target=dict(ann_file='splits/unlabeled_without_5.txt')))
