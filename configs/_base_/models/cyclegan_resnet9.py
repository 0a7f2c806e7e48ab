# CycleGAN of the paper: nine residual blocks, 64 channels, a 70x70 patch discriminator, identity weight 0.5 * 10.
# Networks and losses are MMagic's.
norm_cfg = dict(type='IN')
model = dict(
    type='DomainCycleGAN',
    generator=dict(
        type='ResnetGenerator',
        in_channels=3,
        out_channels=3,
        base_channels=64,
        norm_cfg=norm_cfg,
        use_dropout=False,
        num_blocks=9,
        padding_mode='reflect',
        init_cfg=dict(type='normal', gain=0.02)),
    discriminator=dict(
        type='PatchDiscriminator',
        in_channels=3,
        base_channels=64,
        num_conv=3,
        norm_cfg=norm_cfg,
        init_cfg=dict(type='normal', gain=0.02)),
    buffer_size=50,
    loss_config=dict(cycle_loss_weight=10., id_loss_weight=5.))
optim_wrapper = dict(
    constructor='PerChildOptimWrapperConstructor',
    generators=dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=2e-4, betas=(0.5, 0.999))),
    discriminators=dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=2e-4, betas=(0.5, 0.999))))
model_wrapper_cfg = dict(type='MMSeparateDistributedDataParallel', broadcast_buffers=False)
