"""Target images pass through the network and its batch norm in training, but no loss is computed on them.

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/batch_norm.py
All other methods have this effect, too: compare them with this row, not with source only.
"""
_base_ = ['../../_base_/setups/carla2camvid.py', '../../_base_/methods/batch_norm.py']
model = dict(_base_.method, _delete_=True, segmentor=_base_.model)
optim_wrapper = dict(_base_.method_optim_wrapper, _delete_=True, segmentor=_base_.optim_wrapper)
