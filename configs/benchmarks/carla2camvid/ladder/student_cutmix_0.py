"""A student without target labels: translated CARLA, and CamVid with the teacher's labels and boxes of CARLA.

3 classes.

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/ladder/ssl_online_0.py    # with its stages
UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/ladder/student_cutmix_0.py
The second command needs translated images and pseudo-labels. A box of a CARLA image is pasted into each pseudo-labelled
one (CutMix); source and mixtures are normalised separately; batch norm keeps the statistics of training; and the moving
average of the student is what is scored and what the next round begins with.
"""
_base_ = './student_0.py'
cutmix = dict(
    _base_.mixed_train,
    pipeline=[dict(type='DomainCutMix', alpha=1.0), _base_.distortion,
              dict(type='PackSegInputs')])
train_dataloader = dict(dataset=dict(pseudo_labeled=dict(_delete_=True, **cutmix)))
model = dict(joint_forward=False, ema_teacher=dict(momentum=0.99), predict_with='teacher')
# without the statistics hook of student_0.py
custom_hooks = [dict(type='CheckFiniteLossHook'), dict(type='EMATeacherHook')]
