"""Translated CARLA alone, with a small DAFormer without pretrained weights (3 classes).

python tools/translate.py configs/benchmarks/carla2camvid/cyclegan.py CHECKPOINT --out data/carla_cyclegan
UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/online/translated_mit.py
"""
_base_ = './source_only_mit.py'
train_dataloader = dict(dataset=dict(dataset=_base_.translated_train))
