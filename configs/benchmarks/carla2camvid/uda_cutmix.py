r"""UDAS with a few labelled CamVid images (3 classes): Domain CutMix with translated CARLA, and UDA with the others.

python tools/translate.py configs/benchmarks/carla2camvid/cyclegan.py CHECKPOINT --out data/carla_cyclegan
UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/uda_cutmix.py
UDAS_DATA_ROOT=data python tools/compare.py configs/benchmarks/carla2camvid/uda_cutmix.py \
    --vary budget=1,2,5,10 --out labels
"""
_base_ = './uda.py'
budget = 5
train_dataloader = dict(
    dataset=dict(
        source=dict(_delete_=True, **_base_.cutmix_train), target=dict(_delete_=True, **_base_.unlabeled_budget)))
