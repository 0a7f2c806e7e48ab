"""Only labelled Cityscapes images: the baseline of `gta2cs_uda_cutmix.py`.

python tools/train.py configs/udas/gta2cs_supervised.py
python tools/train.py configs/udas/gta2cs_supervised.py --cfg-options budget=100    # 500 is the default
The same network, schedule and augmentation, with one image per step.
"""
_base_ = './gta2cs_source_only.py'
budget = 500
labeled = dict(
    _base_.labeled_target_train,
    pipeline=[*_base_.labeled_target_pipeline[:-1], _base_.strong,
              dict(type='PackSegInputs')])
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='StreamDataset',
        branch='labeled_target',
        dataset=dict(_base_.labeled_budget, dataset=labeled)))
