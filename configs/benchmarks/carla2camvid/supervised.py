r"""Only a few labelled CamVid images (3 classes).

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/supervised.py
UDAS_DATA_ROOT=data python tools/compare.py configs/benchmarks/carla2camvid/supervised.py \
    --vary budget=1,2,5,10 --out labels
"""
_base_ = './source_only.py'
budget = 5
train_dataloader = dict(
    dataset=dict(_delete_=True, type='StreamDataset', branch='labeled_target', dataset=_base_.labeled_budget))
