"""UDAS with 1 labelled CamVid image (3 classes): Domain CutMix with translated CARLA, and UDA with the others.

python tools/translate.py configs/benchmarks/carla2camvid/cyclegan.py CHECKPOINT --out data/carla_cyclegan
UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/labeled_1_uda_cutmix.py
mIoU: not measured.
"""
_base_ = './udas_uda.py'
flip = dict(type='RandomFlip', prob=0.5)
pad = dict(type='Pad', size=(160, 80), pad_val=dict(img=(128, 128, 128), seg=255))  # see labeled_1_cutmix.py
translated_train = dict(
    _base_.source_train,
    pipeline=[*_base_.source_pipeline[:4], flip],
    translated_root='{{$UDAS_TRANSLATED_ROOT:data}}/carla_cyclegan',
    missing_translation='error')
labeled_target = dict(
    _base_.labeled_target_train,
    pipeline=[*_base_.labeled_target_pipeline[:4], pad, flip],
    ann_file='splits/labeled_1.txt')
train_dataloader = dict(
    dataset=dict(
        source=dict(
            _delete_=True,
            type='DomainMixDataset',
            dataset=translated_train,
            target=labeled_target,
            pipeline=[dict(type='DomainCutMix', alpha=1.0), _base_.distortion,
                      dict(type='PackSegInputs')]),
        target=dict(ann_file='splits/unlabeled_without_1.txt')))
