"""MinEnt on CARLA -> CamVid (3 classes): the entropy of target predictions, no discriminator.

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/minent.py
"""
_base_ = ['../../_base_/setups/carla2camvid.py', '../../_base_/methods/minent_600.py']
model = dict(_base_.method, _delete_=True, segmentor=_base_.model)
optim_wrapper = dict(_base_.method_optim_wrapper, _delete_=True, segmentor=_base_.optim_wrapper)
