# Mean teacher for the schedule of 600 iterations: a faster teacher, and a ramp over 60 iterations.
#     teacher = dict(_base_.method.ema_teacher, weight=dict(_base_.consistency_weight, weight=19.))
_base_ = './mean_teacher.py'
method = dict(ema_teacher=dict(momentum=0.99))
consistency_weight = dict(weight=1., ramp=60)
