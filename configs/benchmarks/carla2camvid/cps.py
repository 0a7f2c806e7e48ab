r"""Cross pseudo supervision on CamVid alone, with a few labelled images (3 classes).

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/cps.py
UDAS_DATA_ROOT=data python tools/compare.py configs/benchmarks/carla2camvid/cps.py \
    --vary budget=1,2,5,10 --out labels
"""
_base_ = ['../../_base_/setups/carla2camvid.py', '../../_base_/methods/cps.py']
budget = 5
train_dataloader = dict(dataset=dict(_base_.few_labeled_pair, _delete_=True))
model = dict(_base_.method, _delete_=True, segmentor=_base_.model)
