# SegFormer-B0.
_base_ = './segformer_mit-b5.py'
weights = 'https://download.openmmlab.com/mmsegmentation/v0.5/pretrain/segformer/mit_b0_20220624-7e0fe6dd.pth'
model = dict(
    backbone=dict(embed_dims=32, num_layers=[2, 2, 2, 2], init_cfg=dict(checkpoint=weights)),
    decode_head=dict(in_channels=[32, 64, 160, 256]),
    auxiliary_head=dict(in_channels=160))
