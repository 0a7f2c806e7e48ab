"""UDAS before self-training as in gta2cs_uda_cutmix.py, with train_extra of Cityscapes as unlabelled images.

python tools/train.py configs/udas/gta2cs_uda_cutmix_extra.py
python tools/train.py configs/udas/gta2cs_uda_cutmix_extra.py --cfg-options budget=500    # 2975 is the default
"""
_base_ = './gta2cs_uda_cutmix.py'
budget = 2975
train_dataloader = dict(
    dataset=dict(
        source=dict(target=dict(n=budget)),
        target=dict(
            _base_.target_train, _delete_=True, data_prefix=dict(img_path='leftImg8bit/train_extra'))))
