"""UDAS without target labels on generated scenes: discriminators on both heads and L_kl between them.

python tools/train.py configs/demo/udas_uda.py
Figures: docs/results.md.
"""
_base_ = './adaptsegnet.py'
model = dict(kl=dict(form='symmetric_cross_entropy', weight=0.1, begin=100, ramp=100))
