"""10 labelled CamVid images, and nothing else, scored on CamVid val (3 classes).

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/labeled_10_supervised.py
Figures: docs/results.md.
"""
_base_ = './labeled_1_supervised.py'
train_dataloader = dict(dataset=dict(dataset=dict(ann_file='splits/labeled_10.txt')))
