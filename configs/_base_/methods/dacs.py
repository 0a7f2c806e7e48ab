# DACS, WACV 2021: mixtures of source and target, with labels of a moving average of the student.
#     model = dict(_base_.method, _delete_=True, segmentor=_base_.model)
#     custom_hooks = [*_base_.custom_hooks, *_base_.method_hooks]
method = dict(
    type='OnlineSelfTrainingSegmentor',
    ema_teacher=dict(momentum=0.99, labeling=dict(type='SureShareLabeling', threshold=0.968)))
model_wrapper_cfg = dict(type='BranchDistributedDataParallel', broadcast_buffers=False)
method_hooks = [dict(type='EMATeacherHook'), dict(type='TeacherCollapseHook')]
