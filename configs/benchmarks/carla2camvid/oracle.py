"""All CamVid images of the pool with their labels (3 classes): the upper bound of adaptation.

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/oracle.py
"""
_base_ = './source_only.py'
train_dataloader = dict(
    dataset=dict(type='StreamDataset', branch='labeled_target', dataset=_base_.labeled_target_train))
