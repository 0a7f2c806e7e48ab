"""The first student of gta2cs_ssl_online.py: gta2cs_student.py with boxes of GTA5 in the pseudo-labelled images.

python tools/train.py configs/udas/gta2cs_ssl_online.py    # trains it after the stages that it needs
python tools/train.py configs/udas/gta2cs_student_cutmix.py
python tools/train.py configs/udas/gta2cs_student_cutmix.py --cfg-options budget=100    # 500 is the default
To train it alone, you need translated images and pseudo-labels: see gta2cs_student_0.py. Unlike there, there is no
L_cons, batch norm keeps the statistics of training, and the moving average of the student predicts.
"""
_base_ = './gta2cs_student.py'
budget = 500
pseudo_labeled = dict(_base_.pseudo_labeled_train, pipeline=_base_.pseudo_labeled_train.pipeline[:-2])
cutmix = dict(
    _base_.mixed_train, target=dict(_base_.unlabeled_budget, dataset=pseudo_labeled))  # augmented as a whole
train_dataloader = dict(dataset=dict(pseudo_labeled=dict(_delete_=True, **cutmix)))
model = dict(consistency=None, ema_teacher=dict(momentum=0.99), predict_with='teacher')
# without the statistics hook of gta2cs_student_0.py
custom_hooks = [*_base_.custom_hooks[:-1], dict(type='EMATeacherHook')]
