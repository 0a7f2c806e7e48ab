"""A student: the mixed scenes of adapt.py, and "real" scenes with the teacher's labels, strongly augmented.

python tools/train.py configs/demo/self_training/ssl.py    # trains it in rounds, after the stages that it needs
python tools/train.py configs/demo/self_training/student.py
The second command reads the output of the first one, from the folders UDAS_DEMO_TRANSLATIONS and UDAS_DEMO_LABELS.
"""
_base_ = ['./translated.py', '../../_base_/methods/student.py']
budget = '1/20'
train_dataloader = dict(
    batch_size=4,
    dataset=dict(
        _delete_=True,
        type='DomainPairDataset',
        source=_base_.mixed_train,
        pseudo_labeled=dict(
            _base_.few, part='unlabeled', whole_if_empty=True, dataset=_base_.pseudo_labeled_train)))
model = dict(_base_.method, _delete_=True, segmentor=_base_.model)
custom_hooks = [*_base_.custom_hooks, dict(type='TargetNormStatisticsHook', branch=_base_.target_images)]
iters = 200
param_scheduler = [
    dict(type='LinearLR', start_factor=0.02, begin=0, end=50, by_epoch=False),
    dict(type='PolyLR', power=0.9, eta_min=0, begin=50, end=iters, by_epoch=False)
]
train_cfg = dict(max_iters=iters, val_interval=iters)
