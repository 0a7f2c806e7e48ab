r"""Cross pseudo supervision with CutMix on CamVid alone, with a few labelled images (3 classes).

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/cps_cutmix.py
UDAS_DATA_ROOT=data python tools/compare.py configs/benchmarks/carla2camvid/cps_cutmix.py \
    --vary budget=1,2,5,10 --out labels
"""
_base_ = './cps.py'
model = dict(cps_weight=1.0, cut_mix=True, cps_branches=('target', ))
