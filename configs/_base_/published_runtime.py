# Settings of runs with the published length: the checkpoint with the best validation score is also kept.
_base_ = './default_runtime.py'
default_hooks = dict(checkpoint=dict(save_best='mIoU'))
