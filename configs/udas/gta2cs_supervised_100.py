"""100 labelled Cityscapes images, and nothing else: what `gta2cs_uda_cutmix_100.py` is held against.

python tools/train.py configs/udas/gta2cs_supervised_100.py
The same network, schedule and augmentation, one image a step.
Hardware and time: not measured. mIoU: not measured.
"""
_base_ = './gta2cs_source_only.py'
labeled_target = dict(
    type='LabelBudgetDataset',
    n=100,
    seed=2021,
    part='labeled',
    dataset=dict(
        _base_.labeled_target_train,
        pipeline=[
            *_base_.labeled_target_pipeline[:-1],
            dict(type='SegAutoAugment', policy='imagenet'),
            dict(type='PackSegInputs')
        ]))
train_dataloader = dict(
    dataset=dict(_delete_=True, type='StreamDataset', branch='labeled_target', dataset=labeled_target))
