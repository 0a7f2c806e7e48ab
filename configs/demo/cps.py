"""Cross pseudo supervision with 10 labelled "real" scenes: two networks label the other ones for each other.

python tools/train.py configs/demo/cps.py
python tools/train.py configs/demo/cps.py --cfg-options budget=50
python tools/train.py configs/demo/cps.py --cfg-options model.cut_mix=True    # with CutMix
"""
_base_ = ['../_base_/setups/demo_256x128.py', '../_base_/methods/cps.py']
budget = 10
few = dict(type='LabelBudgetDataset', n=budget, seed=2021)
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='DomainPairDataset',
        labeled_target=dict(few, part='labeled', dataset=_base_.labeled_target_train),
        target=dict(few, part='unlabeled', dataset=_base_.target_train)))
model = dict(_base_.method, _delete_=True, segmentor=_base_.model)
