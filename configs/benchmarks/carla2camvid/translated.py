"""CARLA translated by CycleGAN, scored on CamVid val (3 classes).

python tools/translate.py configs/benchmarks/carla2camvid/cyclegan.py CHECKPOINT --out data/carla_cyclegan
UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/translated.py
Figures: docs/results.md.
"""
_base_ = './source_only.py'
train_dataloader = dict(
    dataset=dict(
        dataset=dict(
            translated_root='{{$UDAS_TRANSLATED_ROOT:data}}/carla_cyclegan', missing_translation='error')))
