"""Domain CutMix of translated CARLA images and 10 labelled CamVid images (3 classes).

python tools/translate.py configs/benchmarks/carla2camvid/cyclegan.py CHECKPOINT --out data/carla_cyclegan
UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/labeled_10_cutmix.py
Figures: docs/results.md.
"""
_base_ = './labeled_1_cutmix.py'
train_dataloader = dict(dataset=dict(dataset=dict(target=dict(ann_file='splits/labeled_10.txt'))))
