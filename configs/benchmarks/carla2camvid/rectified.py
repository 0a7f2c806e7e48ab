r"""Stage 2 of Seg-Uncertainty on CARLA -> CamVid (3 classes): rectified training on MRNet's pseudo-labels.

export UDAS_DATA_ROOT=data
python tools/train.py configs/benchmarks/carla2camvid/mrnet.py
python tools/pseudo_label.py configs/benchmarks/carla2camvid/mrnet.py \
    work_dirs/benchmarks/carla2camvid/mrnet/iter_600.pth \
    --out work_dirs/pseudo_labels/benchmarks/carla2camvid/mrnet --views 1
python tools/train.py configs/benchmarks/carla2camvid/rectified.py
"""
_base_ = ['../../_base_/setups/carla2camvid.py', '../../_base_/methods/rectified.py']
pseudo_labeled_train = dict(
    _base_.target_train,
    type='PseudoLabeledDataset',
    pseudo_label_root='{{$UDAS_PSEUDO_ROOT:work_dirs/pseudo_labels}}/benchmarks/carla2camvid/mrnet',
    pipeline=[
        dict(type='LoadVerifiedImage'),
        # every pixel
        dict(type='LoadPseudoLabel', threshold=0.0),
        _base_.target_resize,
        dict(type='RandomCrop', crop_size=_base_.crop),
        dict(type='RandomFlip', prob=0.5), _base_.distortion,
        dict(type='PackSegInputs')
    ])
train_dataloader = dict(
    batch_size=8,
    dataset=dict(_delete_=True, type='StreamDataset', branch='pseudo_labeled', dataset=pseudo_labeled_train))
model = dict(
    _base_.method,
    init_cfg=dict(
        type='Pretrained', checkpoint='work_dirs/benchmarks/carla2camvid/mrnet/iter_600.pth', prefix='segmentor'))
