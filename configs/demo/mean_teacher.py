"""Mean teacher with 10 labelled "real" scenes: strong views must give the probabilities of a moving average.

python tools/train.py configs/demo/mean_teacher.py
python tools/train.py configs/demo/mean_teacher.py --cfg-options budget=50
"""
_base_ = ['../_base_/setups/demo_256x128.py', '../_base_/methods/mean_teacher_600.py']
budget = 10
few = dict(type='LabelBudgetDataset', n=budget, seed=2021)
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='DomainPairDataset',
        labeled_target=dict(few, part='labeled', dataset=_base_.labeled_target_train),
        target=dict(few, part='unlabeled', dataset=_base_.target_train)))
teacher = dict(_base_.method.ema_teacher, weight=dict(_base_.consistency_weight, weight=19.))
model = dict(_base_.method, _delete_=True, segmentor=_base_.model, ema_teacher=teacher)
custom_hooks = [*_base_.custom_hooks, *_base_.method_hooks]
