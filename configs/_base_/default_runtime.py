# Settings of all runs. Results are reproducible for the same seed, number of processes and batch size.
default_scope = 'mmseg'
custom_imports = dict(imports=['udas_mmseg'], allow_failed_imports=False)
randomness = dict(seed=0)
env_cfg = dict(
    cudnn_benchmark=True,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'))
hang_limit = 60  # seconds after which a process that hangs ends the others: docs/recipes.md

default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50, log_metric_by_epoch=False),
    param_scheduler=dict(type='ParamSchedulerHook'),
    # keep two, because MMEngine deletes the oldest one before it writes the next
    checkpoint=dict(
        type='CheckpointHook', by_epoch=False, interval=5000, max_keep_ckpts=2, backend_args=dict(backend='atomic')),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    visualization=dict(type='SegVisualizationHook'),
    panels=dict(type='DomainPanelHook', interval=5000))  # docs/visualization.md
custom_hooks = [dict(type='CheckFiniteLossHook')]

vis_backends = [dict(type='LocalVisBackend'), dict(type='OptionalTensorboardVisBackend')]
# No name: MMEngine would reuse a visualizer of the same name, and so the folder of an earlier run in this process.
visualizer = dict(type='SegLocalVisualizer', vis_backends=vis_backends)
log_processor = dict(by_epoch=False)
log_level = 'INFO'
load_from = None
resume = False
