"""UDAS with 5 labelled CamVid images (3 classes): Domain CutMix with translated CARLA, and UDA with the others.

python tools/translate.py configs/benchmarks/carla2camvid/cyclegan.py CHECKPOINT --out data/carla_cyclegan
UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/labeled_5_uda_cutmix.py
Figures: docs/results.md.
"""
_base_ = './labeled_1_uda_cutmix.py'
train_dataloader = dict(
    dataset=dict(
        source=dict(target=dict(ann_file='splits/labeled_5.txt')),
        target=dict(ann_file='splits/unlabeled_without_5.txt')))
