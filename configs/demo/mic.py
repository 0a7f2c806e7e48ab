"""MIC on generated scenes: `daformer.py`, and labels for "real" scenes with masked blocks.

python tools/train.py configs/demo/mic.py
Blocks have an eighth of the height of the crops, as published.
"""
_base_ = './daformer.py'
model = dict(terms=[dict(type='MaskedConsistencyTerm', block_size=16)])
