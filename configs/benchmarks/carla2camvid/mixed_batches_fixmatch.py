r"""FixMatch with translated CARLA images and a few labelled CamVid images, half of each on average (3 classes).

python tools/translate.py configs/benchmarks/carla2camvid/cyclegan.py CHECKPOINT --out data/carla_cyclegan
UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/mixed_batches_fixmatch.py
UDAS_DATA_ROOT=data python tools/compare.py configs/benchmarks/carla2camvid/mixed_batches_fixmatch.py \
    --vary budget=1,2,5,10 --out labels
"""
_base_ = './fixmatch.py'
budget = 5
train_dataloader = dict(dataset=dict(_base_.half_labeled_pair, _delete_=True))
