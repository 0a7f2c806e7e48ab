"""UDAS without target labels on CARLA -> CamVid (3 classes): discriminators on both heads and L_kl between them.

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/udas_uda.py
Figures: docs/results.md.
"""
_base_ = './adaptsegnet.py'
model = dict(kl=dict(form='symmetric_cross_entropy', weight=0.1, begin=100, ramp=100))
