"""UniMatch with labelled Cityscapes images: Domain CutMix of them with translated GTA5, and strong views of the others.

python tools/train.py configs/udas/gta2cs_unimatch.py
python tools/train.py configs/udas/gta2cs_unimatch.py --cfg-options budget=500    # 100 is the default
Not in the paper. A batch has two images of each branch, because strong views are mixed with each other.
"""
_base_ = [
    '../_base_/published_runtime.py', '../_base_/models/deeplabv2-multi_r101-d8.py',
    '../_base_/datasets/gta2cs_640x360.py', '../_base_/schedules/sgd_poly250k_120k.py',
    '../_base_/methods/unimatch.py'
]
budget = 100
train_dataloader = dict(
    batch_size=2,
    dataset=dict(
        source=dict(_delete_=True, **dict(_base_.mixed_train, target=dict(_base_.labeled_budget, n=budget))),
        target=dict(_delete_=True, **dict(_base_.unlabeled_budget, n=budget))))
model = dict(_base_.method, _delete_=True, segmentor=_base_.model)
custom_hooks = [*_base_.custom_hooks, *_base_.method_hooks]
