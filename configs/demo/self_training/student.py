"""A student: the mixed scenes of adapt.py, and "real" scenes with the teacher's labels, strongly augmented.

python tools/train.py configs/demo/self_training/ssl.py    # trains it in rounds, after the stages that it needs
python tools/train.py configs/demo/self_training/student.py
The second command reads the output of the first one, from the folders UDAS_DEMO_TRANSLATIONS and UDAS_DEMO_LABELS.
"""
_base_ = ['./translated.py', '../../_base_/methods/student.py']
budget = '1/20'
pseudo_labeled_train = dict(
    type='PseudoLabeledDataset',
    pseudo_label_root='{{$UDAS_DEMO_LABELS:work_dirs/demo/labels}}',
    metainfo='CityscapesDataset',
    data_root=_base_.target_root,
    data_prefix=dict(img_path='leftImg8bit/train'),
    img_suffix='_leftImg8bit.png',
    pipeline=[
        _base_.load,
        dict(type='LoadPseudoLabel', threshold=0.6), _base_.half, _base_.weak,
        dict(type='SegAutoAugment', policy='imagenet'), _base_.pack
    ])
train_dataloader = dict(
    batch_size=4,
    dataset=dict(
        _delete_=True,
        type='DomainPairDataset',
        source=_base_.mixed_train,
        pseudo_labeled=dict(
            _base_.few, part='unlabeled', whole_if_empty=True, dataset=pseudo_labeled_train)))
model = dict(_base_.method, _delete_=True, segmentor=_base_.model)
custom_hooks = [*_base_.custom_hooks, dict(type='TargetNormStatisticsHook', branch=_base_.target_images)]
