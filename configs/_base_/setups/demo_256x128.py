# The common settings of configs/demo: network, data and schedule.
_base_ = [
    '../default_runtime.py', '../models/deeplabv2-multi_r18-d8.py', '../datasets/demo_256x128.py',
    '../schedules/adamw_poly_600.py'
]
model = dict(data_preprocessor=dict(size=(128, 256)))
default_hooks = dict(checkpoint=dict(interval=100), logger=dict(interval=25), panels=dict(interval=200))
# few channels, to be fast on a CPU
discriminators = dict(
    type='MultiLevelDiscriminator', discriminator=dict(type='FCDiscriminator', base_channels=16))
