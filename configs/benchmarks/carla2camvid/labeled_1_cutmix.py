"""Domain CutMix of translated CARLA images and 1 labelled CamVid image (3 classes).

python tools/translate.py configs/benchmarks/carla2camvid/cyclegan.py CHECKPOINT --out data/carla_cyclegan
UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/labeled_1_cutmix.py
Figures: docs/results.md.
"""
_base_ = './source_only.py'
train_dataloader = dict(dataset=dict(dataset=dict(_delete_=True, **_base_.cutmix_train)))
