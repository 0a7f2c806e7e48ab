r"""Stage 2 of Seg-Uncertainty on the generated scenes: rectified training on MRNet's pseudo-labels.

python tools/train.py configs/demo/mrnet.py
python tools/pseudo_label.py configs/demo/mrnet.py work_dirs/demo/mrnet/iter_600.pth \
    --out work_dirs/pseudo_labels/demo/mrnet --views 1
python tools/train.py configs/demo/rectified.py
"""
_base_ = ['../_base_/setups/demo_256x128.py', '../_base_/methods/rectified.py']
pseudo_labeled_train = dict(
    type='PseudoLabeledDataset',
    pseudo_label_root='{{$UDAS_PSEUDO_ROOT:work_dirs/pseudo_labels}}/demo/mrnet',
    metainfo='CityscapesDataset',
    data_prefix=dict(img_path='{{$UDAS_DEMO_ROOT:data/demo}}/cityscapes/leftImg8bit/train'),
    img_suffix='_leftImg8bit.png',
    pipeline=[
        dict(type='LoadVerifiedImage'),
        # every pixel
        dict(type='LoadPseudoLabel', threshold=0.0), _base_.resize, _base_.crop,
        dict(type='RandomFlip', prob=0.5),
        dict(type='PackSegInputs')
    ])
train_dataloader = dict(
    dataset=dict(_delete_=True, type='StreamDataset', branch='pseudo_labeled', dataset=pseudo_labeled_train))
model = dict(
    _base_.method,
    init_cfg=dict(type='Pretrained', checkpoint='work_dirs/demo/mrnet/iter_600.pth', prefix='segmentor'))
