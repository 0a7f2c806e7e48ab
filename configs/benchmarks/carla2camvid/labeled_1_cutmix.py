"""Domain CutMix of translated CARLA images and 1 labelled CamVid image (3 classes).

python tools/translate.py configs/benchmarks/carla2camvid/cyclegan.py CHECKPOINT --out data/carla_cyclegan
UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/labeled_1_cutmix.py
Figures: docs/results.md.
"""
_base_ = './source_only.py'
flip = dict(type='RandomFlip', prob=0.5)
# each domain to the crop's size; contrast and brightness act on the mixed image
load_source = [*_base_.source_pipeline[:4], flip]
# CamVid's smallest scales are narrower than the crop; the preprocessor pads them so in the other rows
pad = dict(type='Pad', size=(160, 80), pad_val=dict(img=(128, 128, 128), seg=255))
load_target = [*_base_.labeled_target_pipeline[:4], pad, flip]
translated_train = dict(
    _base_.source_train,
    pipeline=load_source,
    translated_root='{{$UDAS_TRANSLATED_ROOT:data}}/carla_cyclegan',
    missing_translation='error')
labeled_target = dict(_base_.labeled_target_train, pipeline=load_target, ann_file='splits/labeled_1.txt')
train_dataloader = dict(
    dataset=dict(
        dataset=dict(
            _delete_=True,
            type='DomainMixDataset',
            dataset=translated_train,
            target=labeled_target,
            pipeline=[dict(type='DomainCutMix', alpha=1.0), _base_.distortion,
                      dict(type='PackSegInputs')])))
