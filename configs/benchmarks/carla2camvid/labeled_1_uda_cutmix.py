"""UDAS with 1 labelled CamVid image (3 classes): Domain CutMix with translated CARLA, and UDA with the others.

python tools/translate.py configs/benchmarks/carla2camvid/cyclegan.py CHECKPOINT --out data/carla_cyclegan
UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/labeled_1_uda_cutmix.py
mIoU: not measured.
"""
_base_ = './udas_uda.py'
train_dataloader = dict(
    dataset=dict(
        source=dict(_delete_=True, **_base_.cutmix_train), target=dict(ann_file='splits/unlabeled_without_1.txt')))
