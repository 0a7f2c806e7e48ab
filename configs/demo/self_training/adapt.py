"""The first teacher: Domain CutMix of translated scenes with a few labelled "real" ones, and UDA with the others.

python tools/train.py configs/demo/self_training/ssl.py    # trains it after the stages that it needs
python tools/train.py configs/demo/self_training/adapt.py
The second command reads the translations of the first one, from the folder UDAS_DEMO_TRANSLATIONS.
"""
_base_ = ['./translated.py', '../../_base_/methods/uda_600.py']
budget = '1/20'
train_dataloader = dict(
    batch_size=4,
    dataset=dict(
        _delete_=True,
        type='DomainPairDataset',
        source=_base_.mixed_train,
        target=dict(_base_.few, part='unlabeled', whole_if_empty=True, dataset=_base_.target_train)))
model = dict(_base_.method, _delete_=True, segmentor=_base_.model, discriminators=_base_.discriminators)
optim_wrapper = dict(_base_.method_optim_wrapper, _delete_=True, segmentor=_base_.optim_wrapper)
custom_hooks = [*_base_.custom_hooks, dict(type='TargetNormStatisticsHook', branch=_base_.target_images)]
