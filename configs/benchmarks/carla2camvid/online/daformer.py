"""DAFormer's training on translated CARLA -> CamVid, with DeepLabv3's head, from a trained segmentor (3 classes).

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/ladder/translated.py
UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/online/daformer.py
The first command trains the segmentor. `UDAS_INIT` is another file to begin with.
"""
_base_ = ['../daformer.py', '../../../_base_/models/aspp_head_mobilenetv2-d8.py']
model = dict(segmentor=dict(decode_head=_base_.aspp_head))
train_dataloader = dict(dataset=dict(source=_base_.translated_train))
load_from = '{{$UDAS_INIT:work_dirs/benchmarks/carla2camvid/ladder/translated/iter_600.pth}}'
