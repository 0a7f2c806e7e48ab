"""A student of UDAS without target labels: translated CARLA, and CamVid with the teacher's labels (3 classes).

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/ladder/ssl_0.py    # with the stages it needs
UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/ladder/student_0.py
The second command needs translated images and pseudo-labels. Half of the classes of a CARLA image are pasted into each
pseudo-labelled one (ClassMix), as strong augmentation.
"""
_base_ = ['./source_only.py', '../../../_base_/methods/student.py']
# the mixture is distorted as a whole
pseudo_labeled_train = dict(_base_.pseudo_labeled_train, pipeline=_base_.pseudo_labeled_train.pipeline[:-2])
mixed_train = dict(
    type='DomainMixDataset',
    dataset=_base_.cutmix_train.dataset,
    target=pseudo_labeled_train,
    pipeline=[dict(type='DomainClassMix', classes_of='source'), _base_.distortion,
              dict(type='PackSegInputs')])
train_dataloader = dict(
    batch_size=4,
    dataset=dict(
        _delete_=True, type='DomainPairDataset', source=_base_.translated_train, pseudo_labeled=mixed_train))
model = dict(_base_.method, _delete_=True, segmentor=_base_.model, joint_forward=True)
custom_hooks = [*_base_.custom_hooks, dict(type='TargetNormStatisticsHook', branch=_base_.target_images)]
