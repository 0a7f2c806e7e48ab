r"""The student of LabOR on GTA5 -> Cityscapes at 640x360: UDAS's adaptation, and the labelled pixels of Cityscapes.

python tools/train.py configs/labor/labor-spl_r101-d8_120k_gta2cs-640x360.py    # trains it in rounds
python tools/train.py configs/labor/student_r101-d8_120k_gta2cs-640x360.py
The second command reads the answers of a round from the folder UDAS_ANSWERS_ROOT.
"""
_base_ = '../udas/gta2cs_uda.py'
answered_train = dict(
    _base_.target_train,
    type='AnsweredDataset',
    answers_root='{{$UDAS_ANSWERS_ROOT:work_dirs/active}}/labor/gta2cs/round_1',
    metainfo='CityscapesDataset',
    img_suffix='_leftImg8bit.png',
    pipeline=[
        dict(type='LoadVerifiedImage'),
        dict(type='LoadAnswers'),
        # at a third of the size, nearest neighbour would lose most of the points
        dict(type='SparseLabelResize', resize=_base_.target_pipeline[1]),
        dict(type='RandomFlip', prob=0.5),
        dict(type='PackSegInputs')
    ])
train_dataloader = dict(dataset=dict(labeled_target=answered_train))
