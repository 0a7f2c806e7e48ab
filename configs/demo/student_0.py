"""A student of UDAS without labels on generated scenes: "simulated" scenes, and "real" ones with its teacher's labels.

python tools/train.py configs/demo/ssl_0.py    # trains it in rounds
python tools/train.py configs/demo/student_0.py
The second command reads pseudo-labels from the folder UDAS_PSEUDO_ROOT.
"""
_base_ = ['../_base_/setups/demo_256x128.py', '../_base_/methods/student.py']
pseudo_labeled_train = dict(
    _base_.target_train,
    type='PseudoLabeledDataset',
    pseudo_label_root='{{$UDAS_PSEUDO_ROOT:work_dirs/pseudo_labels}}/demo/ssl',
    metainfo='CityscapesDataset',
    img_suffix='_leftImg8bit.png',
    pipeline=[
        dict(type='LoadVerifiedImage'),
        dict(type='LoadPseudoLabel', threshold=0.6), _base_.resize, _base_.crop,
        dict(type='RandomFlip', prob=0.5),
        dict(type='SegAutoAugment', policy='imagenet'),
        dict(type='PackSegInputs')
    ])
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='DomainPairDataset',
        source=_base_.source_train,
        pseudo_labeled=pseudo_labeled_train))
model = dict(_base_.method, _delete_=True, segmentor=_base_.model)
custom_hooks = [
    *_base_.custom_hooks,
    dict(
        type='TargetNormStatisticsHook',
        branch=dict(_base_.target_train, pipeline=[dict(type='LoadVerifiedImage'),
                                                   dict(type='PackSegInputs')]))
]
