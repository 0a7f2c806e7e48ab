"""A student that also trains online: online.py, and in the same step "real" scenes with the labels of its teacher.

python tools/train.py configs/demo/self_training/student_online.py
It needs translations and pseudo-labels, such as those of ssl.py, in the folders UDAS_DEMO_TRANSLATIONS and
UDAS_DEMO_LABELS; ssl.py takes it as `self_training.student.config`.
"""
_base_ = './online.py'
budget = '1/20'
train_dataloader = dict(
    dataset=dict(
        pseudo_labeled=dict(_base_.few, part='unlabeled', whole_if_empty=True, dataset=_base_.pseudo_labeled_train)))
custom_hooks = [*_base_.custom_hooks, dict(type='TargetNormStatisticsHook', branch=_base_.target_images)]
iters = 150
param_scheduler = [
    dict(type='LinearLR', start_factor=0.02, begin=0, end=50, by_epoch=False),
    dict(type='PolyLR', power=0.9, eta_min=0, begin=50, end=iters, by_epoch=False)
]
train_cfg = dict(max_iters=iters, val_interval=iters)
