"""The teacher of UDAS with a few labelled CamVid images: these and translated CARLA, half of each on average, and UDA.

3 classes.

python tools/translate.py configs/benchmarks/carla2camvid/cyclegan.py CHECKPOINT --out data/carla_cyclegan
UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/ladder/adapted.py
"""
_base_ = './adapted_0.py'
budget = 5
train_dataloader = dict(
    dataset=dict(
        source=dict(_delete_=True, **_base_.half_labeled_padded_train),
        target=dict(_delete_=True, **_base_.unlabeled_budget)))
