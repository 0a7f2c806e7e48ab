"""A student with 5 labelled CamVid images: these, translated CARLA, and CamVid with the teacher's labels.

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/ladder/ssl_5.py    # with all that it needs
UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/ladder/student_5.py
The second needs translated images and pseudo-labels. Figures: docs/results.md.
"""
_base_ = './student_0.py'
train_dataloader = dict(
    dataset=dict(
        source=dict(_delete_=True, **_base_.mixed_5_train),
        pseudo_labeled=dict(target=dict(ann_file='splits/unlabeled_without_5.txt'))))
