r"""DAFormer's training on CARLA -> CamVid, not translated, beginning with a trained segmentor (3 classes).

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/ladder/source_only.py
UDAS_INIT=work_dirs/benchmarks/carla2camvid/ladder/source_only/iter_600.pth UDAS_DATA_ROOT=data \
    python tools/train.py configs/benchmarks/carla2camvid/online/daformer_untranslated.py
"""
_base_ = './daformer.py'
train_dataloader = dict(dataset=dict(source=_base_.source_train))
