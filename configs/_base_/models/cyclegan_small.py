# For images of 80 to 128 lines and short trainings on a CPU: group norm learns much faster than instance norm here.
_base_ = './cyclegan_resnet9.py'
model = dict(
    generator=dict(base_channels=16, num_blocks=4, norm_cfg=dict(type='GN', num_groups=4)),
    discriminator=dict(base_channels=32))
