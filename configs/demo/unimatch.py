"""UniMatch with 10 labelled "real" scenes: FixMatch with two strong views and a feature stream.

python tools/train.py configs/demo/unimatch.py
python tools/train.py configs/demo/unimatch.py --cfg-options budget=50
"""
_base_ = ['../_base_/setups/demo_256x128.py', '../_base_/methods/unimatch.py']
budget = 10
few = dict(type='LabelBudgetDataset', n=budget, seed=2021)
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='DomainPairDataset',
        labeled_target=dict(few, part='labeled', dataset=_base_.labeled_target_train),
        target=dict(few, part='unlabeled', dataset=_base_.target_train)))
model = dict(_base_.method, _delete_=True, segmentor=_base_.model)
custom_hooks = [*_base_.custom_hooks, *_base_.method_hooks]
