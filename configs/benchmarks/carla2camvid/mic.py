"""MIC on CARLA -> CamVid (3 classes): `daformer.py`, and labels for CamVid images with masked blocks.

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/mic.py
"""
_base_ = './daformer.py'
model = dict(terms=[*_base_.model.terms, dict(type='MaskedConsistencyTerm', block_size=16)])
