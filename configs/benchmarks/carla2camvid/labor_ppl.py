"""LabOR with points (PPL) on CARLA -> CamVid (3 classes): 20 points an image in each of two rounds.

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/labor_ppl.py
"""
_base_ = './labor_spl.py'
self_training = dict(query=dict(strategy='ppl'))
