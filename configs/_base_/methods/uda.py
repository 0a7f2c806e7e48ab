# UDA of UDAS: AdaptSegNet's discriminators, and L_kl between both heads, in the form that the paper prints. Its weight
# and first iteration are this project's choice, after MRNet's. The paper's weight is 1; its text says KL divergence,
# which is form='symmetric_kl'.
_base_ = './adaptsegnet.py'
method = dict(kl=dict(form='symmetric_cross_entropy', weight=0.1, begin=15000))
