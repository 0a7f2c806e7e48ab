"""HRDA on generated scenes: `daformer.py`, with crops at half size and half of each crop at full size.

python tools/train.py configs/demo/hrda.py
"""
_base_ = './daformer.py'
model = dict(segmentor=dict(type='HRDAEncoderDecoder', detail_size=(64, 128), divisor=16))
