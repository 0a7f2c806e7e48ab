# MIC, CVPR 2023, on top of HRDA: the labels of the target also for images with masked blocks.
_base_ = './hrda.py'
masked_consistency = dict(type='MaskedConsistencyTerm', weight=1.0, block_size=64, ratio=0.7)
method = dict(terms=[_base_.feature_distance, masked_consistency])
