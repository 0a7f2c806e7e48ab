# Stage 2 of Seg-Uncertainty, IJCV 2021: rectified training on MRNet's pseudo-labels, from MRNet's weights.
#     model = dict(_base_.method, init_cfg=dict(type='Pretrained', checkpoint=..., prefix='segmentor'))
method = dict(
    type='RectifiedEncoderDecoder',
    backbone=dict(init_cfg=None),  # its weights are in MRNet's checkpoint
    auxiliary_head=dict(loss_decode=dict(loss_weight=0.5)))
