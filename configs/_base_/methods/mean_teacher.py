# Mean teacher, NeurIPS 2017, for segmentation: a strong view must give the probabilities that a moving average predicts
# for the weak view. The squared differences are averaged over classes; their weight is set by the config: the number of
# classes, as if they were added up with weight 1 (French et al., BMVC 2020), after a ramp over a tenth of the schedule.
#     teacher = dict(_base_.method.ema_teacher, weight=dict(weight=21., ramp=10000))
#     model = dict(_base_.method, _delete_=True, segmentor=_base_.model, ema_teacher=teacher)
#     custom_hooks = [*_base_.custom_hooks, *_base_.method_hooks]
method = dict(
    type='SemiSupervisedSegmentor',
    ema_teacher=dict(momentum=0.999, threshold=0.),
    objective='mse',
    mixing=None,
    predict_with='teacher')
model_wrapper_cfg = dict(type='BranchDistributedDataParallel', broadcast_buffers=False)
method_hooks = [dict(type='EMATeacherHook'), dict(type='TeacherCollapseHook')]
