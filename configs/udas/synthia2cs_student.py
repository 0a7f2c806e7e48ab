"""A student of UDAS without target labels: translated SYNTHIA, and Cityscapes with the teacher's labels.

python tools/train.py configs/udas/synthia2cs_ssl.py    # trains it in rounds, with all that it needs
python tools/train.py configs/udas/synthia2cs_student.py
The second needs translated images and pseudo-labels: see gta2cs_student_0.py.
Hardware and time: not measured. mIoU: not measured.
"""
_base_ = './gta2cs_student_0.py'
synthia_train = dict(
    type='SYNTHIADataset',
    data_root='{{$UDAS_DATA_ROOT:data}}/synthia',
    data_prefix=dict(img_path='RGB', seg_map_path='GT/LABELS'),
    translated_root='{{$UDAS_DATA_ROOT:data}}/synthia_translated',
    missing_translation='error',
    pipeline=_base_.translated_train.pipeline)
train_dataloader = dict(
    dataset=dict(
        source=dict(_delete_=True, **synthia_train),
        pseudo_labeled=dict(pseudo_label_root='{{$UDAS_PSEUDO_ROOT:work_dirs/pseudo_labels}}/udas/synthia2cs')))
val_evaluator = dict(subsets=dict(mIoU16='synthia16', mIoU13='synthia13'))
test_evaluator = val_evaluator
