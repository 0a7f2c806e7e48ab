"""CARLA translated by CycleGAN, scored on CamVid val (3 classes).

python tools/translate.py configs/benchmarks/carla2camvid/cyclegan.py CHECKPOINT --out data/carla_cyclegan
UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/translated.py
"""
_base_ = './source_only.py'
train_dataloader = dict(dataset=dict(dataset=_base_.translated_train))
