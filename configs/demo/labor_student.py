"""The student of LabOR on generated scenes: UDAS's adaptation, and the labelled pixels of the "real" scenes.

python tools/train.py configs/demo/labor.py    # trains it in rounds
python tools/train.py configs/demo/labor_student.py
The second command reads the answers of a round from the folder UDAS_ANSWERS_ROOT.
"""
_base_ = './uda.py'
answered_train = dict(
    _base_.target_train,
    type='AnsweredDataset',
    answers_root='{{$UDAS_ANSWERS_ROOT:work_dirs/active}}/demo/labor/round_1',
    metainfo='CityscapesDataset',
    img_suffix='_leftImg8bit.png',
    pipeline=[dict(type='LoadVerifiedImage'), dict(type='LoadAnswers'), *_base_.target_pipeline[1:]])
train_dataloader = dict(dataset=dict(labeled_target=answered_train))
