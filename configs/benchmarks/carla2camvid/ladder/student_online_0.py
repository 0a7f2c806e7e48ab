"""A student without target labels that also trains online: DACS, and CamVid with the teacher's labels (3 classes).

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/ladder/ssl_online_0.py    # with its stages
UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/ladder/student_online_0.py
The second command needs translated images and pseudo-labels. A step has 4 translated images, 4 with pseudo-labels, and
4 that the moving average labels.
"""
_base_ = './online_0.py'
pseudo_labeled_train = dict(
    _base_.target_train,
    type='PseudoLabeledDataset',
    pseudo_label_root='{{$UDAS_PSEUDO_ROOT:work_dirs/pseudo_labels}}/carla2camvid',
    pipeline=[
        dict(type='LoadVerifiedImage'),
        dict(type='LoadPseudoLabel', threshold=0.8), *_base_.labeled_target_pipeline[2:4], _base_.mix_pad,
        *_base_.labeled_target_pipeline[4:]
    ])
train_dataloader = dict(dataset=dict(pseudo_labeled=pseudo_labeled_train))
