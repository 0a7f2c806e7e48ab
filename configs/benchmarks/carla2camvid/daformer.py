"""DAFormer's training on CARLA -> CamVid (3 classes): DACS, rare class sampling, and the distance to ImageNet features.

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/daformer.py
The classes road, sidewalk and other have 27, 13 and 60 % of CARLA's pixels. With temperature 0.2, images are drawn for
them with the probabilities 0.31, 0.63 and 0.06. Things are a part of `other`, whose features are compared.
"""
_base_ = ['../../_base_/setups/carla2camvid.py', '../../_base_/methods/daformer_600.py']
feature_distance = dict(_base_.feature_distance, classes=(2, ))
model = dict(_base_.method, _delete_=True, segmentor=_base_.model, mixing='cut_mix', terms=[feature_distance])
custom_hooks = [*_base_.custom_hooks, *_base_.method_hooks]
rare_classes = dict(temperature=0.2, min_pixels=500, min_crop_pixels=250)
train_dataloader = dict(dataset=dict(orders=dict(source=dict(_base_.rare_classes, **rare_classes))))
