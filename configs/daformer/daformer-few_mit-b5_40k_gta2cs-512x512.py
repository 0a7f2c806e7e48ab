"""DAFormer on GTA5 -> Cityscapes with a few labelled Cityscapes images in the same step: semi-supervised adaptation.

python tools/train.py configs/daformer/daformer-few_mit-b5_40k_gta2cs-512x512.py
python tools/train.py configs/daformer/daformer-few_mit-b5_40k_gta2cs-512x512.py --cfg-options budget=500
Scored on Cityscapes val. The default is 100 labelled images. A step has 2 images of GTA5, 2 labelled ones and 2
of the others, which the teacher labels.
"""
_base_ = './daformer_mit-b5_40k_gta2cs-512x512.py'
budget = 100
train_dataloader = dict(
    dataset=dict(
        labeled_target=dict(_base_.labeled_budget, n=budget),
        target=dict(_delete_=True, **dict(_base_.unlabeled_budget, n=budget))))
