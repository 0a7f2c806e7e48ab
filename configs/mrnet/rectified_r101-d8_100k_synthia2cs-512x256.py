r"""Stage 2 of Seg-Uncertainty on SYNTHIA -> Cityscapes: rectified training on MRNet's pseudo-labels.

python tools/train.py configs/mrnet/mrnet_r101-d8_100k_synthia2cs-1024x512.py --cfg-options train_cfg.max_iters=25000
python tools/pseudo_label.py configs/mrnet/mrnet_r101-d8_100k_synthia2cs-1024x512.py \
    work_dirs/mrnet/mrnet_r101-d8_100k_synthia2cs-1024x512/iter_25000.pth \
    --out work_dirs/pseudo_labels/mrnet_r101-d8_100k_synthia2cs-1024x512 --views 4 --augment type=SegFlipScale \
    --merge mean --cfg-options model.segmentor.test_cfg.aux_weight=0.5
python tools/train.py configs/mrnet/rectified_r101-d8_100k_synthia2cs-512x256.py
Published: learning rate 1e-4, 9 crops of 512x256 per step. Scored on Cityscapes val, on 19, 16 and 13 classes.
"""
_base_ = [
    '../_base_/published_runtime.py', '../_base_/models/deeplabv2-multi_r101-d8.py',
    '../_base_/datasets/synthia2cs_1280x760.py', '../_base_/schedules/sgd_poly100k_100k.py',
    '../_base_/methods/rectified.py'
]
pseudo_labeled_train = dict(
    type='PseudoLabeledDataset',
    pseudo_label_root='{{$UDAS_PSEUDO_ROOT:work_dirs/pseudo_labels}}/mrnet_r101-d8_100k_synthia2cs-1024x512',
    metainfo='CityscapesDataset',
    data_prefix=dict(img_path='{{$UDAS_DATA_ROOT:data}}/cityscapes/leftImg8bit/train'),
    img_suffix='_leftImg8bit.png',
    pipeline=[
        dict(type='LoadVerifiedImage'),
        # every pixel
        dict(type='LoadPseudoLabel', threshold=0.0),
        dict(type='AntialiasedResize', scale=(1280, 640), keep_ratio=False),
        dict(type='RandomCrop', crop_size=(256, 512)),
        dict(type='RandomFlip', prob=0.5),
        dict(type='PackSegInputs')
    ])
train_dataloader = dict(
    batch_size=9,
    dataset=dict(_delete_=True, type='StreamDataset', branch='pseudo_labeled', dataset=pseudo_labeled_train))
model = dict(
    _base_.method,
    init_cfg=dict(
        type='Pretrained',
        checkpoint='work_dirs/mrnet/mrnet_r101-d8_100k_synthia2cs-1024x512/iter_25000.pth',
        prefix='segmentor'))
optim_wrapper = dict(optimizer=dict(lr=1e-4))
