"""UDAS with 10 labelled "real" scenes: Domain CutMix of them with "simulated" ones, and UDA with the other "real" ones.

python tools/train.py configs/demo/uda_cutmix.py
python tools/train.py configs/demo/uda_cutmix.py --cfg-options budget=50
"""
_base_ = './uda.py'
budget = 10
# both domains have the size of the crop; RandomCrop alone does not change smaller images
weak = dict(type='SegWeakAugment', crop_size=(128, 256), scale_range=(0.8, 1.5), flip_prob=0.5)
few = dict(type='LabelBudgetDataset', n=budget, seed=2021)
mixed = dict(
    type='DomainMixDataset',
    dataset=dict(_base_.source_train, pipeline=[*_base_.source_pipeline[:2], weak]),
    target=dict(
        few,
        part='labeled',
        dataset=dict(_base_.labeled_target_train, pipeline=[*_base_.labeled_target_pipeline[:2], weak])),
    pipeline=[
        dict(type='DomainCutMix', alpha=1.0),
        dict(type='SegAutoAugment', policy='imagenet'),
        dict(type='PackSegInputs')
    ])
unlabeled = dict(few, part='unlabeled', whole_if_empty=True, dataset=_base_.target_train)
train_dataloader = dict(dataset=dict(source=dict(_delete_=True, **mixed), target=dict(_delete_=True, **unlabeled)))
