# Cross pseudo supervision with CutMix, as in the public code: only on mixtures of unlabelled images, with a smaller
# lambda (1 on PASCAL VOC).
_base_ = './cps.py'
method = dict(cps_weight=1.0, cut_mix=dict(boxes=3, share=(0.25, 0.5)), cps_branches=('target', ))
