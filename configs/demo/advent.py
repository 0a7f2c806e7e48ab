"""AdvEnt on generated scenes: discriminators on the self-information of both heads.

python tools/train.py configs/demo/advent.py
Figures: docs/results.md.
"""
_base_ = './adaptsegnet.py'
model = dict(adapt_map='self_information')
