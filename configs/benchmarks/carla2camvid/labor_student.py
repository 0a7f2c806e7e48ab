"""The student of LabOR on CARLA -> CamVid (3 classes): UDAS's adaptation, and the labelled pixels of CamVid.

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/labor_spl.py    # trains it in rounds
UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/labor_student.py
The second command reads the answers of a round from the folder UDAS_ANSWERS_ROOT.
"""
_base_ = './uda.py'
answered_train = dict(
    _base_.target_train,
    type='AnsweredDataset',
    answers_root='{{$UDAS_ANSWERS_ROOT:work_dirs/active}}/carla2camvid/round_1',
    pipeline=[
        dict(type='LoadVerifiedImage'),
        dict(type='LoadAnswers'),
        # at a third of the size, nearest neighbour would lose most of the points
        dict(type='SparseLabelResize', resize=_base_.target_resize),
        *_base_.target_pipeline[2:]
    ])
train_dataloader = dict(dataset=dict(labeled_target=answered_train))
