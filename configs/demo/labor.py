"""LabOR on generated scenes: two rounds of selecting 20 points an image, labelling and training.

python tools/make_demo_data.py data/demo && python tools/train.py configs/demo/labor.py
python tools/train.py configs/demo/labor.py --work-dir work_dirs/by_hand --cfg-options self_training.annotate.by=person
The second command lets you label the points.
"""
_base_ = '../_base_/self_training_runtime.py'
self_training = dict(
    rounds=2,
    keep='last',
    stages=dict(each_round=('label', 'selector', 'query', 'annotate', 'active_student')),
    adapt=dict(config='{{fileDirname}}/uda.py'),
    label=dict(views=1, batch_size=8, workers=1),
    selector=dict(config='{{fileDirname}}/labor_selector.py'),
    query=dict(strategy='ppl', points_per_image=20),
    annotate=dict(by='truth'),
    active_student=dict(config='{{fileDirname}}/labor_student.py'),
    export=dict(num_images=6))
