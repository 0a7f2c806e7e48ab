"""Original CARLA images alone, with a small DAFormer without pretrained weights (3 classes).

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/online/source_only_mit.py
"""
_base_ = ['../source_only.py', '../../../_base_/models/daformer_mit-b0.py']
model = dict(_delete_=True, data_preprocessor=_base_.model.data_preprocessor, **_base_.daformer_b0)
