# AdvEnt, CVPR 2019: AdaptSegNet with the self-information of both heads as the input of the discriminators.
_base_ = './adaptsegnet.py'
method = dict(adapt_map='self_information')
