"""AdvEnt on generated scenes: discriminators on the self-information of both heads.

python tools/train.py configs/demo/advent.py
mIoU: not measured.
"""
_base_ = './adaptsegnet.py'
model = dict(adapt_map='self_information')
