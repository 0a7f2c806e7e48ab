r"""The student of labor_student.py with pseudo-labels for the other pixels of CamVid (3 classes).

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/labor_spl.py --cfg-options \
    self_training.active_student.config=configs/benchmarks/carla2camvid/labor_student_pseudo.py
UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/labor_student_pseudo.py
The second command reads answers and pseudo-labels from the folders UDAS_ANSWERS_ROOT and UDAS_PSEUDO_ROOT. Where an
image has both, the answers count.
"""
_base_ = './labor_student.py'
pseudo_labeled_train = dict(
    _base_.pseudo_labeled_train,
    answers_root=_base_.answered_train.answers_root,
    pipeline=[dict(type='LoadVerifiedImage'),
              dict(type='LoadPseudoLabel', threshold=0.8), *_base_.target_pipeline[1:]])
train_dataloader = dict(dataset=dict(pseudo_labeled=pseudo_labeled_train))
