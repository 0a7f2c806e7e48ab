r"""A student of UDAS without target labels: translated GTA5, and Cityscapes with the teacher's labels.

python tools/train.py configs/udas/gta2cs_ssl_0.py    # trains it in rounds, with all that it needs
By hand, with a teacher trained by configs/udas/gta2cs_translated_uda.py:
python tools/pseudo_label.py configs/udas/gta2cs_translated_uda.py CHECKPOINT \
    --out work_dirs/pseudo_labels/udas/gta2cs
python tools/train.py configs/udas/gta2cs_student_0.py
Views and smoothing of L_cons are this project's choice. Hardware and time: not measured. mIoU: not measured.
"""
_base_ = [
    '../_base_/default_runtime.py', '../_base_/models/deeplabv2-multi_r101-d8.py',
    '../_base_/datasets/gta2cs_640x360.py', '../_base_/schedules/sgd_poly250k_120k.py'
]
translated_train = dict(
    _base_.source_train,
    translated_root='{{$UDAS_DATA_ROOT:data}}/gta5_translated',
    missing_translation='error',
    pipeline=[*_base_.source_pipeline[:-1],
              dict(type='SegAutoAugment', policy='imagenet'),
              dict(type='PackSegInputs')])
pseudo_labeled_train = dict(
    type='PseudoLabeledDataset',
    pseudo_label_root='{{$UDAS_PSEUDO_ROOT:work_dirs/pseudo_labels}}/udas/gta2cs',
    metainfo='CityscapesDataset',
    data_root=_base_.target_root,
    data_prefix=dict(img_path='leftImg8bit/train'),
    img_suffix='_leftImg8bit.png',
    pipeline=[
        dict(type='LoadVerifiedImage'),
        dict(type='LoadPseudoLabel', threshold=0.6),
        dict(type='Resize', scale=_base_.size, keep_ratio=False),
        dict(type='RandomFlip', prob=0.5),
        dict(type='SegAutoAugment', policy='imagenet'),
        dict(type='PackSegInputs')
    ])
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='DomainPairDataset',
        source=translated_train,
        pseudo_labeled=pseudo_labeled_train,
        max_broken=100))
model = dict(
    _delete_=True,
    type='StudentTeacherSegmentor',
    segmentor=_base_.model,
    consistency=dict(num_views=3, smoothing=0.1))
default_hooks = dict(checkpoint=dict(save_best='mIoU'))
