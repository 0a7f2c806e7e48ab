"""A student of ssl_online.py: student_cutmix_0.py and a few labelled CamVid images beside translated CARLA (3 classes).

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/ladder/ssl_online.py    # with its stages
UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/ladder/student_cutmix.py
The second command needs translated images and pseudo-labels.
"""
_base_ = './student_cutmix_0.py'
budget = 5
mixed_budget = dict(_base_.cutmix, target=dict(_base_.unlabeled_budget, dataset=_base_.pseudo_labeled_train))
train_dataloader = dict(
    dataset=dict(
        source=dict(_delete_=True, **_base_.half_labeled_padded_train),
        pseudo_labeled=dict(_delete_=True, **mixed_budget)))
