"""Another first teacher: the mixed scenes of adapt.py, and online self-training (DACS) with the other "real" ones.

python tools/train.py configs/demo/self_training/ssl_online.py    # trains it after the stages that it needs
python tools/train.py configs/demo/self_training/online.py
The second command reads the translations of the first one, from the folder UDAS_DEMO_TRANSLATIONS. The moving average
of the student is the teacher, and what is scored; batch norm keeps the statistics of training.
"""
_base_ = ['./translated.py', '../../_base_/methods/dacs.py']
budget = '1/20'
train_dataloader = dict(
    batch_size=4,
    dataset=dict(
        _delete_=True,
        type='DomainPairDataset',
        source=_base_.mixed_train,
        target=dict(_base_.few, part='unlabeled', whole_if_empty=True, dataset=_base_.target_train)))
model = dict(_base_.method, _delete_=True, segmentor=_base_.model, predict_with='teacher')
custom_hooks = [*_base_.custom_hooks, *_base_.method_hooks]
