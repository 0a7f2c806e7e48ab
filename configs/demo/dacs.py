"""DACS on generated scenes: mixtures of "simulated" and "real" scenes, with labels of a moving average.

python tools/train.py configs/demo/dacs.py
"""
_base_ = ['../_base_/setups/demo_256x128.py', '../_base_/methods/dacs.py']
model = dict(_base_.method, _delete_=True, segmentor=_base_.model)
custom_hooks = [*_base_.custom_hooks, *_base_.method_hooks]
