r"""FixMatch on CamVid alone, with a few labelled images (3 classes): strong views learn labels of weak views.

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/fixmatch.py
UDAS_DATA_ROOT=data python tools/compare.py configs/benchmarks/carla2camvid/fixmatch.py \
    --vary budget=1,2,5,10 --out labels
"""
_base_ = ['../../_base_/setups/carla2camvid.py', '../../_base_/methods/fixmatch.py']
budget = 5
train_dataloader = dict(dataset=dict(_base_.few_labeled_pair, _delete_=True))
model = dict(_base_.method, _delete_=True, segmentor=_base_.model)
custom_hooks = [*_base_.custom_hooks, *_base_.method_hooks]
