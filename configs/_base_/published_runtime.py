# What runs of the published length share: the checkpoint with the best validation score is kept, too.
_base_ = './default_runtime.py'
default_hooks = dict(checkpoint=dict(save_best='mIoU'))
