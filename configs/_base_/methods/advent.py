# AdvEnt, CVPR 2019: as AdaptSegNet, on the self-information of both heads.
_base_ = './adaptsegnet.py'
method = dict(adapt_map='self_information')
