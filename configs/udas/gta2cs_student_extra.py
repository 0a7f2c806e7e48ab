"""A student of UDAS as in gta2cs_student.py, with the teacher's labels for train_extra of Cityscapes.

python tools/train.py configs/udas/gta2cs_ssl_extra.py    # trains it in rounds, after the stages that it needs
python tools/train.py configs/udas/gta2cs_student_extra.py
python tools/train.py configs/udas/gta2cs_student_extra.py --cfg-options budget=500    # 2975 is the default
"""
_base_ = './gta2cs_student.py'
budget = 2975
train_dataloader = dict(
    dataset=dict(
        source=dict(target=dict(n=budget)),
        pseudo_labeled=dict(
            _base_.pseudo_labeled_train,
            _delete_=True,
            pseudo_label_root='{{$UDAS_PSEUDO_ROOT:work_dirs/pseudo_labels}}/udas/gta2cs_extra',
            data_prefix=dict(img_path='leftImg8bit/train_extra'))))
