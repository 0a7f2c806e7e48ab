"""A student of UDAS without target labels: translated SYNTHIA, and Cityscapes with the teacher's labels.

python tools/train.py configs/udas/synthia2cs_ssl.py    # trains it in rounds, after the stages that it needs
python tools/train.py configs/udas/synthia2cs_student.py
To train it alone, you need translated images and pseudo-labels: see gta2cs_student_0.py.
"""
_base_ = [
    '../_base_/published_runtime.py', '../_base_/models/deeplabv2-multi_r101-d8.py',
    '../_base_/datasets/synthia2cs_640x360.py', '../_base_/schedules/sgd_poly250k_120k.py',
    '../_base_/methods/student.py'
]
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='DomainPairDataset',
        source=_base_.strong_translated_train,
        pseudo_labeled=_base_.pseudo_labeled_train,
        max_broken=100))
model = dict(
    _base_.method,
    _delete_=True,
    segmentor=_base_.model,
    consistency=dict(num_views=3, smoothing=0.1))
custom_hooks = [*_base_.custom_hooks, dict(type='TargetNormStatisticsHook', branch=_base_.target_images)]
