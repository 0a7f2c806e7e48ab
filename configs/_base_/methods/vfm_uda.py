# VFM-UDA, CVPR Workshops 2024, without its network: DACS with a slower teacher that labels by the mean of the image and
# the flipped image, rare class sampling of the source, and masked tokens. For crops of 1024x1024 of Cityscapes at
# 2048x1024: the margins leave out the car bonnet and the border that rectification makes.
#     train_dataloader = dict(dataset=dict(orders=dict(source=_base_.rare_classes)))
_base_ = './dacs.py'
masked_tokens = dict(type='MaskedConsistencyTerm', mask='tokens', weight=1.0, ratio=0.7)
method = dict(
    ema_teacher=dict(momentum=0.999, flip=True), margins=dict(top=30, bottom=240), terms=[masked_tokens])
rare_classes = dict(type='RareClassOrder', temperature=0.01, min_pixels=3000, min_crop_pixels=6000)
