"""UDAS with 10 labelled "real" scenes: Domain CutMix of them with "simulated" ones, and UDA with the other "real" ones.

python tools/train.py configs/demo/labeled_10_uda_cutmix.py
mIoU: not measured.
"""
_base_ = './udas_uda.py'
# both domains in the size of the crop, which RandomCrop alone does not promise
weak = dict(type='SegWeakAugment', crop_size=(128, 256), scale_range=(0.8, 1.5), flip_prob=0.5)
budget = dict(type='LabelBudgetDataset', n=10, seed=2021)
mixed = dict(
    type='DomainMixDataset',
    dataset=dict(_base_.source_train, pipeline=[*_base_.source_pipeline[:2], weak]),
    target=dict(
        budget,
        part='labeled',
        dataset=dict(_base_.labeled_target_train, pipeline=[*_base_.labeled_target_pipeline[:2], weak])),
    pipeline=[
        dict(type='DomainCutMix', alpha=1.0),
        dict(type='SegAutoAugment', policy='imagenet'),
        dict(type='PackSegInputs')
    ])
train_dataloader = dict(
    dataset=dict(
        source=dict(_delete_=True, **mixed),
        target=dict(_delete_=True, **budget, part='unlabeled', dataset=_base_.target_train)))
