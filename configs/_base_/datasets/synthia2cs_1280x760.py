# SYNTHIA-RAND-CITYSCAPES at its own 1280x760 -> Cityscapes at 1024x512, scored on 19, 16 and 13 classes: the sizes of
# AdaptSegNet and AdvEnt.
_base_ = './gta2cs_1280x720.py'
source_size = (1280, 760)
source_pipeline = [
    dict(type='LoadVerifiedImage'),
    dict(type='LoadLabelIds'),
    dict(type='AntialiasedResize', scale=source_size, keep_ratio=False),
    dict(type='PackSegInputs')
]
source_root = '{{$UDAS_DATA_ROOT:data}}/synthia'
synthia_train = dict(
    type='SYNTHIADataset',
    data_root=source_root,
    data_prefix=dict(img_path='RGB', seg_map_path='GT/LABELS'),
    pipeline=source_pipeline)
source_train = synthia_train
train_dataloader = dict(
    dataset=dict(_delete_=True, type='DomainPairDataset', source=synthia_train, target=_base_.target_train))
val_evaluator = dict(subsets=dict(mIoU16='synthia16', mIoU13='synthia13'))
test_evaluator = val_evaluator
