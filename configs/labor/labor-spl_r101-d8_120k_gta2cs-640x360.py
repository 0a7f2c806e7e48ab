"""LabOR with regions (SPL) on GTA5 -> Cityscapes at 640x360: two rounds of selecting, labelling and training.

python tools/train.py configs/labor/labor-spl_r101-d8_120k_gta2cs-640x360.py
python tools/train.py configs/labor/labor-spl_r101-d8_120k_gta2cs-640x360.py --dry-run    # print the plan
The labels are those of Cityscapes, of the selected pixels alone. For a person in place of them, use
--cfg-options self_training.annotate.by=person (docs/active_labeling.md, "Rounds"). Not measured.
"""
_base_ = '../_base_/self_training_runtime.py'
self_training = dict(
    rounds=2,  # not published as far as we know
    keep='last',
    stages=dict(each_round=('label', 'selector', 'query', 'annotate', 'active_student')),
    adapt=dict(config='{{fileDirname}}/../udas/gta2cs_uda.py'),
    label=dict(views=1, batch_size=4, workers=4),
    selector=dict(config='{{fileDirname}}/selector_r101-d8_120k_gta2cs-640x360.py'),
    query=dict(strategy='spl'),
    annotate=dict(by='truth'),
    active_student=dict(config='{{fileDirname}}/student_r101-d8_120k_gta2cs-640x360.py'),
    export=dict(num_images=6))
