"""The teacher of ssl_online.py: online self-training with a few labelled CamVid images, beside translated CARLA.

3 classes.

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/ladder/ssl_online.py    # with its stages
UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/ladder/online.py
Half of the labelled images are of CamVid on average. The second command begins with ImageNet's weights.
"""
_base_ = './online_0.py'
budget = 5
train_dataloader = dict(
    dataset=dict(
        source=dict(_delete_=True, **_base_.half_labeled_padded_train),
        target=dict(_delete_=True, **_base_.unlabeled_budget)))
