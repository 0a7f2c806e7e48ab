"""A student with a few labelled CamVid images: these, translated CARLA, and CamVid with the teacher's labels and boxes.

The boxes are of CARLA images (CutMix). 3 classes.

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/ladder/ssl_online.py    # with its stages
UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/ladder/student_cutmix.py
The second command needs translated images and pseudo-labels. The rest is as in student_cutmix_0.py.
"""
_base_ = './student_cutmix_0.py'
budget = 5
pseudo_labeled = dict(_base_.unlabeled_budget, dataset=_base_.pseudo_labeled_train)
train_dataloader = dict(
    dataset=dict(
        source=dict(_delete_=True, **_base_.half_labeled_padded_train),
        pseudo_labeled=dict(target=dict(_delete_=True, **pseudo_labeled))))
