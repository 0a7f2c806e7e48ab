r"""The pixel selector of LabOR on Cityscapes at 640x360: two classifiers that learn pseudo-labels, and disagree.

python tools/train.py configs/labor/labor-spl_r101-d8_120k_gta2cs-640x360.py    # trains it in rounds
python tools/train.py configs/labor/selector_r101-d8_120k_gta2cs-640x360.py
The second command reads pseudo-labels from the folder UDAS_PSEUDO_ROOT. Their thresholds are those of IAST.
"""
_base_ = [
    '../_base_/published_runtime.py', '../_base_/models/deeplabv2-multi_r101-d8.py',
    '../_base_/datasets/gta2cs_640x360.py', '../_base_/schedules/sgd_poly250k_120k.py',
    '../_base_/methods/pixel_selector.py'
]
pseudo_labeled_train = dict(
    _base_.pseudo_labeled_train,
    pipeline=[
        dict(type='LoadVerifiedImage'),
        dict(type='LoadPseudoLabel', threshold=0.9, class_balanced=dict(portion=0.2, beta=0.9)),
        *_base_.target_pipeline[1:]
    ])
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='DomainPairDataset',
        pseudo_labeled=pseudo_labeled_train,
        target=_base_.target_train,
        max_broken=100))
model = dict(_base_.method, _delete_=True, segmentor=_base_.model)
