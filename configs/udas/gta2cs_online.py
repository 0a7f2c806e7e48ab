"""Online self-training with labelled Cityscapes images, which Domain CutMix mixes with translated GTA5.

python tools/train.py configs/udas/gta2cs_ssl_online.py    # trains it after the stages that it needs
python tools/train.py configs/udas/gta2cs_online.py
python tools/train.py configs/udas/gta2cs_online.py --cfg-options budget=100    # 500 is the default
To train it alone, you need translated images: see gta2cs_online_0.py. The moving average labels the images that are not
in the budget; with budget=2975, all of them. Strong augmentation is applied to the mixtures in the model alone.
"""
_base_ = './gta2cs_online_0.py'
budget = 500
cutmix_train = dict(_base_.mixed_train, pipeline=[dict(type='DomainCutMix', alpha=1.0), dict(type='PackSegInputs')])
train_dataloader = dict(
    dataset=dict(
        source=dict(_delete_=True, **cutmix_train), target=dict(_delete_=True, **_base_.unlabeled_budget)))
