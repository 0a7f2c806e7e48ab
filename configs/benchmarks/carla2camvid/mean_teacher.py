r"""Mean teacher on CamVid alone, with a few labelled images (3 classes).

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/mean_teacher.py
UDAS_DATA_ROOT=data python tools/compare.py configs/benchmarks/carla2camvid/mean_teacher.py \
    --vary budget=1,2,5,10 --out labels
"""
_base_ = ['../../_base_/setups/carla2camvid.py', '../../_base_/methods/mean_teacher_600.py']
budget = 5
train_dataloader = dict(dataset=dict(_base_.few_labeled_pair, _delete_=True))
teacher = dict(_base_.method.ema_teacher, weight=dict(_base_.consistency_weight, weight=3.))
model = dict(_base_.method, _delete_=True, segmentor=_base_.model, ema_teacher=teacher)
custom_hooks = [*_base_.custom_hooks, *_base_.method_hooks]
