"""A student with a few labelled CamVid images that also trains online: online.py, and the labels of its teacher.

3 classes.

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/ladder/ssl_online.py    # with its stages
UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/ladder/student_online.py
The second command needs translated images and pseudo-labels.
"""
_base_ = './student_online_0.py'
budget = 5
pseudo_labeled = dict(_base_.unlabeled_budget, dataset=_base_.pseudo_labeled_train)
train_dataloader = dict(
    dataset=dict(
        source=dict(_delete_=True, **_base_.half_labeled_padded_train),
        target=dict(_delete_=True, **_base_.unlabeled_budget),
        pseudo_labeled=dict(_delete_=True, **pseudo_labeled)))
