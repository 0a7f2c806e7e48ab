# SYNTHIA-RAND-CITYSCAPES -> Cityscapes at 640x360, scored on 19, 16 and 13 classes (terrain, truck and train are never
# labelled in SYNTHIA: 16 and 13 are the published scores).
_base_ = './gta2cs_640x360.py'
source_root = '{{$UDAS_DATA_ROOT:data}}/synthia'
synthia_train = dict(
    type='SYNTHIADataset',
    data_root=source_root,
    data_prefix=dict(img_path='RGB', seg_map_path='GT/LABELS'),
    pipeline=_base_.source_pipeline)
translated_synthia = dict(
    synthia_train, translated_root='{{$UDAS_DATA_ROOT:data}}/synthia_translated', missing_translation='error')
source_train = synthia_train
translated_train = translated_synthia
strong_translated_train = dict(
    translated_synthia, pipeline=_base_.strong_translated_train.pipeline)
pseudo_labeled_train = dict(
    pseudo_label_root='{{$UDAS_PSEUDO_ROOT:work_dirs/pseudo_labels}}/udas/synthia2cs')
mixed_train = dict(dataset=dict(translated_synthia, pipeline=_base_.mixed_train.dataset.pipeline))
train_dataloader = dict(
    dataset=dict(_delete_=True, type='DomainPairDataset', source=synthia_train, target=_base_.target_train))
val_evaluator = dict(subsets=dict(mIoU16='synthia16', mIoU13='synthia13'))
test_evaluator = val_evaluator
