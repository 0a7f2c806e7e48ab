r"""UDAS with labelled Cityscapes images, before self-training: Domain CutMix of them with translated GTA5, and UDA.

python tools/translate.py configs/translation/cyclegan_resnet9_200k_gta2cs-640x360.py CHECKPOINT \
    --out data/gta5_translated --size 640x360
python tools/train.py configs/udas/gta2cs_uda_cutmix.py
python tools/train.py configs/udas/gta2cs_uda_cutmix.py --cfg-options budget=100    # 500 is the default
Which images: docs/datasets.md, "Label budgets". Distribution and share of mixing are this project's choice. With
budget=2975, UDA uses all images, without their labels.
"""
_base_ = './gta2cs_uda.py'
budget = 500
# AutoAugment without its geometry, whose fill the discriminators would only see in the source
mixed = dict(
    _base_.mixed_train,
    pipeline=[
        dict(type='DomainCutMix', alpha=1.0),
        dict(type='SegAutoAugment', policy='imagenet', geometric=False),
        dict(type='PackSegInputs')
    ])
train_dataloader = dict(
    dataset=dict(source=dict(_delete_=True, **mixed), target=dict(_delete_=True, **_base_.unlabeled_budget)))
