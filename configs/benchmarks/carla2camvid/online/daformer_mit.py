"""DAFormer's training on translated CARLA -> CamVid, with a small DAFormer (3 classes).

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/online/translated_mit.py
UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/online/daformer_mit.py
Without pretrained weights there is no distance to ImageNet features. `UDAS_INIT` is another file to begin with.
"""
_base_ = ['../daformer.py', '../../../_base_/models/daformer_mit-b0.py']
model = dict(
    segmentor=dict(
        _delete_=True, data_preprocessor=_base_.model.segmentor.data_preprocessor, **_base_.daformer_b0),
    terms=[])
train_dataloader = dict(dataset=dict(source=_base_.translated_train))
load_from = '{{$UDAS_INIT:work_dirs/benchmarks/carla2camvid/online/translated_mit/iter_600.pth}}'
