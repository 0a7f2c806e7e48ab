# The common settings of configs/demo/self_training: network, data and schedule.
_base_ = [
    '../default_runtime.py', '../models/deeplabv2-multi_r18-d8.py', '../datasets/demo_128x64.py',
    '../schedules/adamw_poly_300.py'
]
default_hooks = dict(checkpoint=dict(interval=100), logger=dict(interval=25), panels=dict(interval=150))
# few channels, to be fast on a CPU
discriminators = dict(
    type='MultiLevelDiscriminator', discriminator=dict(type='FCDiscriminator', base_channels=16))
