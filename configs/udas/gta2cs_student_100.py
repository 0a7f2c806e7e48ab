"""A student of UDAS with 100 labelled Cityscapes images: their mixture with translated GTA5, and the teacher's labels.

python tools/train.py configs/udas/gta2cs_ssl_100.py    # trains it in rounds, with all that it needs
python tools/train.py configs/udas/gta2cs_student_100.py
The second needs translated images and pseudo-labels: see gta2cs_student_0.py.
Hardware and time: not measured. mIoU: not measured.
"""
_base_ = './gta2cs_student_0.py'
labeled_target = dict(
    type='LabelBudgetDataset',
    n=100,
    seed=2021,
    part='labeled',
    dataset=dict(_base_.labeled_target_train, pipeline=_base_.labeled_target_pipeline[:-1]))
mixed_train = dict(
    type='DomainMixDataset',
    dataset=dict(_base_.translated_train, pipeline=_base_.source_pipeline[:-1]),
    target=labeled_target,
    pipeline=[
        dict(type='DomainCutMix', alpha=1.0),
        dict(type='SegAutoAugment', policy='imagenet'),
        dict(type='PackSegInputs')
    ])
unlabeled_target = dict(
    type='LabelBudgetDataset', n=100, seed=2021, part='unlabeled', dataset=_base_.pseudo_labeled_train)
train_dataloader = dict(
    dataset=dict(
        source=dict(_delete_=True, **mixed_train), pseudo_labeled=dict(_delete_=True, **unlabeled_target)))
