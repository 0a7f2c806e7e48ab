# UniMatch, CVPR 2023: FixMatch with a second strong view, and a stream with half of the channels of the features.
_base_ = './fixmatch.py'
method = dict(num_views=2, feature_dropout='stream')
