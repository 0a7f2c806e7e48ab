"""A student without target labels that also trains online: DACS, and CamVid with the teacher's labels (3 classes).

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/ladder/student_online_0.py
It needs translated images and pseudo-labels; ssl_0.py takes it as `self_training.student.config`. A step
has 4 translated images, 4 with pseudo-labels, and 4 that the moving average labels.
"""
_base_ = './online_0.py'
train_dataloader = dict(dataset=dict(pseudo_labeled=_base_.pseudo_labeled_train))
