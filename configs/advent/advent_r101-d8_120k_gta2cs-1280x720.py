"""AdvEnt on GTA5 -> Cityscapes at the published sizes, scored on Cityscapes val.

python tools/train.py configs/advent/advent_r101-d8_120k_gta2cs-1280x720.py
Hardware and time: not measured. mIoU: not measured.
"""
_base_ = '../adaptsegnet/adaptsegnet_r101-d8_120k_gta2cs-1280x720.py'
model = dict(adapt_map='self_information')
