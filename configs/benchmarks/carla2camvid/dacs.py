"""DACS on CARLA -> CamVid (3 classes): mixtures of both domains, with labels of a moving average of the student.

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/dacs.py
CutMix instead of ClassMix, which would paste two of the three classes.
"""
_base_ = ['../../_base_/setups/carla2camvid.py', '../../_base_/methods/dacs.py']
model = dict(_base_.method, _delete_=True, segmentor=_base_.model, mixing='cut_mix')
custom_hooks = [*_base_.custom_hooks, *_base_.method_hooks]
