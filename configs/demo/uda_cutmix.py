"""UDAS with 10 labelled "real" scenes: Domain CutMix of them with "simulated" ones, and UDA with the other "real" ones.

python tools/train.py configs/demo/uda_cutmix.py
python tools/train.py configs/demo/uda_cutmix.py --cfg-options budget=50
"""
_base_ = './uda.py'
budget = 10
unlabeled = dict(_base_.few, part='unlabeled', whole_if_empty=True, dataset=_base_.target_train)
# AutoAugment without its geometry, whose fill the discriminators would only see in the source
mixed = dict(
    _base_.few_cutmix,
    pipeline=[
        dict(type='DomainCutMix', alpha=1.0),
        dict(type='SegAutoAugment', policy='imagenet', geometric=False),
        dict(type='PackSegInputs')
    ])
train_dataloader = dict(
    dataset=dict(source=dict(_delete_=True, **mixed), target=dict(_delete_=True, **unlabeled)))
