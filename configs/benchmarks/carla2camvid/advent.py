"""AdvEnt on CARLA -> CamVid (3 classes): discriminators on the self-information of both heads.

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/advent.py
Figures: docs/results.md.
"""
_base_ = './adaptsegnet.py'
model = dict(adapt_map='self_information')
