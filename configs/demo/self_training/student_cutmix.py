"""The first student of ssl_online.py: student.py with boxes of translated scenes in the pseudo-labelled ones.

python tools/train.py configs/demo/self_training/ssl_online.py    # trains it after the stages that it needs
python tools/train.py configs/demo/self_training/student_cutmix.py
The second command reads the output of the first one, from the folders UDAS_DEMO_TRANSLATIONS and UDAS_DEMO_LABELS.
Batch norm keeps the statistics of training, and the moving average of the student predicts.
"""
_base_ = './student.py'
budget = '1/20'
pseudo_labeled = dict(_base_.pseudo_labeled_train, pipeline=_base_.pseudo_labeled_train.pipeline[:-2])
cutmix = dict(
    _base_.mixed_train,
    target=dict(_base_.few, part='unlabeled', whole_if_empty=True, dataset=pseudo_labeled),
    pipeline=[dict(type='DomainCutMix', alpha=1.0), *_base_.pseudo_labeled_train.pipeline[-2:]])
train_dataloader = dict(dataset=dict(pseudo_labeled=dict(_delete_=True, **cutmix)))
model = dict(ema_teacher=dict(momentum=0.99), predict_with='teacher')
# without the statistics hook of student.py
custom_hooks = [*_base_.custom_hooks[:-1], dict(type='EMATeacherHook')]
