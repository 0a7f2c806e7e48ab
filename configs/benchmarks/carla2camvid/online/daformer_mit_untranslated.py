r"""DAFormer's training on CARLA -> CamVid, not translated, with a small DAFormer (3 classes).

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/online/source_only_mit.py
UDAS_INIT=work_dirs/benchmarks/carla2camvid/online/source_only_mit/iter_600.pth UDAS_DATA_ROOT=data \
    python tools/train.py configs/benchmarks/carla2camvid/online/daformer_mit_untranslated.py
"""
_base_ = './daformer_mit.py'
train_dataloader = dict(dataset=dict(source=_base_.source_train))
