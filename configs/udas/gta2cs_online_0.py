r"""Online self-training (DACS) on translated GTA5, without target labels: a moving average labels Cityscapes.

python tools/translate.py configs/translation/cyclegan_resnet9_200k_gta2cs-640x360.py CHECKPOINT \
    --out data/gta5_translated --size 640x360
python tools/train.py configs/udas/gta2cs_online_0.py
The moving average is also what is scored.
"""
_base_ = [
    '../_base_/published_runtime.py', '../_base_/models/deeplabv2-multi_r101-d8.py',
    '../_base_/datasets/gta2cs_640x360.py', '../_base_/schedules/sgd_poly250k_120k.py',
    '../_base_/methods/dacs.py'
]
train_dataloader = dict(dataset=dict(source=_base_.translated_train))
model = dict(_base_.method, _delete_=True, segmentor=_base_.model, predict_with='teacher')
custom_hooks = [*_base_.custom_hooks, *_base_.method_hooks]
