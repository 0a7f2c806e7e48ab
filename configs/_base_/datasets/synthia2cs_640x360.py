# SYNTHIA-RAND-CITYSCAPES -> Cityscapes at 640x360, scored on 19, 16 and 13 classes (terrain, truck and train are never
# labelled in SYNTHIA: 16 and 13 are the published scores).
_base_ = './gta2cs_640x360.py'
source_root = '{{$UDAS_DATA_ROOT:data}}/synthia'
synthia_train = dict(
    type='SYNTHIADataset',
    data_root=source_root,
    data_prefix=dict(img_path='RGB', seg_map_path='GT/LABELS'),
    pipeline=_base_.source_pipeline)
source_train = dict(_delete_=True, **synthia_train)
train_dataloader = dict(
    dataset=dict(_delete_=True, type='DomainPairDataset', source=synthia_train, target=_base_.target_train))
val_evaluator = dict(subsets=dict(mIoU16='synthia16', mIoU13='synthia13'))
test_evaluator = val_evaluator
