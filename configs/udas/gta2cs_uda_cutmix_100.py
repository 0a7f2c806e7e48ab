"""UDAS with 100 labelled Cityscapes images, before self-training: Domain CutMix of them with translated GTA5, and UDA.

python tools/translate.py configs/translation/cyclegan_gta2cs.py CHECKPOINT --out data/gta5_translated --size 640x360
python tools/train.py configs/udas/gta2cs_uda_cutmix_100.py
Which 100: docs/datasets.md, "Label budgets". Distribution and share of mixing are this project's choice.
Hardware and time: not measured. mIoU: not measured.
"""
_base_ = './gta2cs_translated_uda.py'
source = dict(
    _base_.source_train,
    pipeline=_base_.source_pipeline[:-1],
    translated_root='{{$UDAS_DATA_ROOT:data}}/gta5_translated',
    missing_translation='error')
labeled_target = dict(
    type='LabelBudgetDataset',
    n=100,
    seed=2021,
    part='labeled',
    dataset=dict(_base_.labeled_target_train, pipeline=_base_.labeled_target_pipeline[:-1]))
unlabeled_target = dict(type='LabelBudgetDataset', n=100, seed=2021, part='unlabeled', dataset=_base_.target_train)
train_dataloader = dict(
    dataset=dict(
        source=dict(
            _delete_=True,
            type='DomainMixDataset',
            dataset=source,
            target=labeled_target,
            pipeline=[
                dict(type='DomainCutMix', alpha=1.0),
                dict(type='SegAutoAugment', policy='imagenet'),
                dict(type='PackSegInputs')
            ]),
        target=dict(_delete_=True, **unlabeled_target)))
