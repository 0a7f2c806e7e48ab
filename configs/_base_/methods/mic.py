# MIC, CVPR 2023, on top of DAFormer: the labels of the target also for images with masked blocks. Blocks of 32 are
# those of the public code for crops of 512x512 of images at half their size, and 64 for 1024x1024 at full size.
_base_ = './daformer.py'
masked_consistency = dict(type='MaskedConsistencyTerm', weight=1.0, block_size=32, ratio=0.7)
method = dict(terms=[_base_.feature_distance, masked_consistency])
