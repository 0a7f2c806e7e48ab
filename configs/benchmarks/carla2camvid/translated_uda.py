"""UDAS without target labels on CARLA translated by CycleGAN -> CamVid (3 classes).

python tools/translate.py configs/benchmarks/carla2camvid/cyclegan.py CHECKPOINT --out data/carla_cyclegan
UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/translated_uda.py
"""
_base_ = './uda.py'
train_dataloader = dict(dataset=dict(source=_base_.translated_train))
