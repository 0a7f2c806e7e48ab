r"""Domain CutMix of translated CARLA images and a few labelled CamVid images (3 classes).

python tools/translate.py configs/benchmarks/carla2camvid/cyclegan.py CHECKPOINT --out data/carla_cyclegan
UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/cutmix.py
UDAS_DATA_ROOT=data python tools/compare.py configs/benchmarks/carla2camvid/cutmix.py \
    --vary budget=1,2,5,10 --out labels
"""
_base_ = './source_only.py'
budget = 5
train_dataloader = dict(dataset=dict(dataset=dict(_delete_=True, **_base_.cutmix_train)))
