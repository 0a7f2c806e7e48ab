"""The second model of the demo: trained on translated scenes alone.

python tools/train.py configs/demo/self_training/translated.py
UDAS_DEMO_TRANSLATIONS is the folder of the translated images: after `make demo`, the folder of the translation stage
in work_dirs/demo/self_training.
"""
_base_ = './source_only.py'
translated_train = dict(
    _base_.source_train,
    translated_root='{{$UDAS_DEMO_TRANSLATIONS:work_dirs/demo/translations}}',
    missing_translation='error')
# mixed with a few labelled "real" ones, for the later stages
few = dict(type='LabelBudgetDataset', n='1/20', seed=2021)  # 10 of the demo's 200 scenes
mixed_train = dict(
    type='DomainMixDataset',
    dataset=dict(translated_train, pipeline=_base_.source_pipeline[:-1]),
    target=dict(
        few,
        part='labeled',
        dataset=dict(_base_.labeled_target_train, pipeline=_base_.labeled_target_pipeline[:-1])),
    pipeline=[dict(type='DomainCutMix', alpha=1.0), _base_.pack])
# "real" scenes with a teacher's labels, for the students
pseudo_labeled_train = dict(
    type='PseudoLabeledDataset',
    pseudo_label_root='{{$UDAS_DEMO_LABELS:work_dirs/demo/labels}}',
    metainfo=_base_.metainfo,
    data_root=_base_.target_root,
    data_prefix=dict(img_path='leftImg8bit/train'),
    img_suffix='_leftImg8bit.png',
    pipeline=[
        _base_.load,
        dict(type='LoadPseudoLabel', threshold=0.6), _base_.smaller, _base_.weak,
        dict(type='SegAutoAugment', policy='imagenet'), _base_.pack
    ])
train_dataloader = dict(dataset=dict(dataset=translated_train))
