r"""Stage 2 of Seg-Uncertainty on CARLA -> CamVid (3 classes): rectified training on MRNet's pseudo-labels.

export UDAS_DATA_ROOT=data
python tools/train.py configs/benchmarks/carla2camvid/mrnet.py
python tools/pseudo_label.py configs/benchmarks/carla2camvid/mrnet.py \
    work_dirs/benchmarks/carla2camvid/mrnet/iter_600.pth \
    --out work_dirs/pseudo_labels/benchmarks/carla2camvid/mrnet
python tools/train.py configs/benchmarks/carla2camvid/rectified.py
mIoU: not measured.
"""
_base_ = './source_only.py'
pseudo_labeled_train = dict(
    # not LabelMappedDataset: it takes the confidences beside the labels for labels without an image
    type='BaseSegDataset',
    metainfo=_base_.metainfo,
    data_prefix=dict(
        img_path='{{$UDAS_DATA_ROOT:data}}/camvid/images/train',
        seg_map_path='{{$UDAS_PSEUDO_ROOT:work_dirs/pseudo_labels}}/benchmarks/carla2camvid/mrnet'),
    img_suffix='.jpg',
    seg_map_suffix='.png',
    pipeline=[
        dict(type='LoadVerifiedImage'),
        dict(type='LoadLabelIds'), _base_.target_resize,
        dict(type='RandomCrop', crop_size=_base_.crop),
        dict(type='RandomFlip', prob=0.5), _base_.distortion,
        dict(type='PackSegInputs')
    ])
train_dataloader = dict(
    batch_size=8,
    dataset=dict(_delete_=True, type='StreamDataset', branch='pseudo_labeled', dataset=pseudo_labeled_train))
model = dict(
    type='RectifiedEncoderDecoder',
    init_cfg=dict(
        type='Pretrained', checkpoint='work_dirs/benchmarks/carla2camvid/mrnet/iter_600.pth', prefix='segmentor'),
    backbone=dict(init_cfg=None),  # its weights are in that checkpoint
    auxiliary_head=dict(loss_decode=dict(loss_weight=0.5)))
