"""Original CARLA images alone (3 classes): the lower bound.

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/source_only.py
"""
_base_ = '../../_base_/setups/carla2camvid.py'
train_dataloader = dict(
    batch_size=8, dataset=dict(_delete_=True, type='StreamDataset', dataset=_base_.source_train))
