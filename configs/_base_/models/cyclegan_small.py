# For images of 80 to 128 lines and minutes of training on a CPU: group norm learns them much faster than instance norm.
_base_ = './cyclegan_resnet9.py'
model = dict(
    generator=dict(base_channels=16, num_blocks=4, norm_cfg=dict(_delete_=True, type='GN', num_groups=4)),
    discriminator=dict(base_channels=32))
