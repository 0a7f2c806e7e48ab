# UDA of UDAS: AdaptSegNet's discriminators, and L_kl between both heads. The weight of L_kl and its first iteration are
# this project's choice, after MRNet's.
_base_ = './adaptsegnet.py'
method = dict(kl=dict(form='symmetric_cross_entropy', weight=0.1, begin=15000))
