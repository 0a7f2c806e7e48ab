# FixMatch, NeurIPS 2020, for segmentation as in UniMatch, CVPR 2023: the student labels the weak view (momentum 0), and
# learns the confident pixels of a strong view with CutMix.
#     model = dict(_base_.method, _delete_=True, segmentor=_base_.model)
#     custom_hooks = [*_base_.custom_hooks, *_base_.method_hooks]
method = dict(
    type='SemiSupervisedSegmentor',
    labeled_weight=0.5,
    ema_teacher=dict(
        momentum=0, weight=0.5, labeling=dict(type='PixelWeightLabeling', threshold=0.95)))
model_wrapper_cfg = dict(type='BranchDistributedDataParallel', broadcast_buffers=False)
method_hooks = [
    dict(type='EMATeacherHook'),
    dict(type='TeacherCollapseHook'),
    dict(type='KeptShareHook')
]
