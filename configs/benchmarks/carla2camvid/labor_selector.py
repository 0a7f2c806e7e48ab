"""The pixel selector of LabOR on CamVid (3 classes): two classifiers that learn pseudo-labels, and disagree.

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/labor_spl.py    # trains it in rounds
UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/labor_selector.py
The second command reads pseudo-labels from the folder UDAS_PSEUDO_ROOT.
"""
_base_ = ['../../_base_/setups/carla2camvid.py', '../../_base_/methods/pixel_selector.py']
pseudo_labeled_train = dict(
    _base_.pseudo_labeled_train,
    pipeline=[dict(type='LoadVerifiedImage'), _base_.selector_labels, *_base_.target_pipeline[1:]])
train_dataloader = dict(
    dataset=dict(
        _delete_=True, type='DomainPairDataset', pseudo_labeled=pseudo_labeled_train, target=_base_.target_train))
model = dict(_base_.method, _delete_=True, segmentor=_base_.model)
