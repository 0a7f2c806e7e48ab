"""FCN (ResNet-50) with all labels of Cityscapes at 640x360: a task model of UDAS, section 4.2.2. Not measured.

python tools/train.py configs/task_models/oracle_fcn-r50-d8_120k_cityscapes-640x360.py
"""
_base_ = [
    '../_base_/published_runtime.py', '../_base_/models/fcn_r50-d8.py', '../_base_/datasets/gta2cs_640x360.py',
    '../_base_/schedules/sgd_poly250k_120k.py'
]
labeled = dict(
    _base_.labeled_target_train,
    pipeline=[*_base_.labeled_target_pipeline[:-1], _base_.strong,
              dict(type='PackSegInputs')])
train_dataloader = dict(
    batch_size=2,
    dataset=dict(_delete_=True, type='StreamDataset', branch='labeled_target', dataset=labeled))
