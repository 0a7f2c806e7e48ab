r"""Cross pseudo supervision on GTA5 and Cityscapes with 100 labels: two networks of UDAS, with CutMix of Cityscapes.

python tools/train.py configs/cps/cps_r101-d8_120k_gta2cs-640x360.py
With images of `tools/translate.py` in place of GTA5's (configs/udas/gta2cs_translated.py):
python tools/train.py configs/cps/cps_r101-d8_120k_gta2cs-640x360.py \
    --cfg-options train_dataloader.dataset.source.translated_root=data/gta5_translated
"""
_base_ = [
    '../_base_/published_runtime.py', '../_base_/models/deeplabv2-multi_r101-d8.py',
    '../_base_/datasets/gta2cs_640x360.py', '../_base_/schedules/sgd_poly250k_120k.py',
    '../_base_/methods/cps_cutmix.py'
]
budget = 100
labeled = dict(_base_.labeled_budget, n=budget, dataset=_base_.labeled_target_train)
train_dataloader = dict(
    batch_size=2,  # CutMix needs two target images
    dataset=dict(
        labeled_target=labeled, target=dict(_base_.unlabeled_budget, _delete_=True, n=budget)))
model = dict(_base_.method, _delete_=True, segmentor=_base_.model)
