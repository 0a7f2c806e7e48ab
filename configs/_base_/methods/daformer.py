# DAFormer, CVPR 2022, without its network: DACS with a slower teacher, rare class sampling of the source, and the
# distance to ImageNet features of things. For GTA5 at 1280x720 and Cityscapes at 1024x512, in crops of 512x512: the
# margins leave out the car bonnet and the border that rectification makes.
#     train_dataloader = dict(dataset=dict(orders=dict(source=_base_.rare_classes)))
_base_ = './dacs.py'
feature_distance = dict(
    type='FeatureDistanceTerm', weight=0.005, classes=(6, 7, 11, 12, 13, 14, 15, 16, 17, 18))
method = dict(
    ema_teacher=dict(momentum=0.999), margins=dict(top=15, bottom=120), terms=[feature_distance])
rare_classes = dict(type='RareClassOrder', temperature=0.01, min_pixels=3000, min_crop_pixels=1500)
