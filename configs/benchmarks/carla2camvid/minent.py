"""MinEnt on CARLA -> CamVid (3 classes): the entropy of target predictions, no discriminator.

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/minent.py
Figures: docs/results.md.
"""
_base_ = './adaptsegnet.py'
model = dict(discriminators=None, entropy=dict(weight=(0.1, 0.02)))
optim_wrapper = dict(discriminators=None)
