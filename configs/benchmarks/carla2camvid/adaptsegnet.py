"""AdaptSegNet on CARLA -> CamVid (3 classes): discriminators on the softmax of both heads.

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/adaptsegnet.py
The weights and the discriminator learning rate are ten times the published ones, because there are only 600 iterations
instead of 120,000. They were chosen with seed 0 from these and (0.05, 0.01) with 1e-4, which differ by 0.2 points.
"""
_base_ = ['../../_base_/setups/carla2camvid.py', '../../_base_/methods/adaptsegnet_600.py']
model = dict(_base_.method, _delete_=True, segmentor=_base_.model)
optim_wrapper = dict(_base_.method_optim_wrapper, _delete_=True, segmentor=_base_.optim_wrapper)
