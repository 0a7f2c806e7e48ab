r"""CPS with translated CARLA images and a few labelled CamVid images, half of each on average (3 classes).

python tools/translate.py configs/benchmarks/carla2camvid/cyclegan.py CHECKPOINT --out data/carla_cyclegan
UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/mixed_batches_cps.py
UDAS_DATA_ROOT=data python tools/compare.py configs/benchmarks/carla2camvid/mixed_batches_cps.py \
    --vary budget=1,2,5,10 --out labels
"""
_base_ = './cps_cutmix.py'
budget = 5
train_dataloader = dict(dataset=dict(_base_.half_labeled_pair, _delete_=True))
