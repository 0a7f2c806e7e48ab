"""Target images pass through the network and its batch norm in training, and nothing else is asked of them.

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/batch_norm.py
What the other methods gain has to be held against this row, not against source only: they all have it, too.
Figures: docs/results.md.
"""
_base_ = './adaptsegnet.py'
model = dict(discriminators=None)
optim_wrapper = dict(discriminators=None)
