"""LabOR with regions (SPL) on CARLA -> CamVid (3 classes): two rounds of selecting, labelling and training.

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/labor_spl.py
The paper labels the whole inconsistency mask; here, a round has the budget of labor_baseline.py.
"""
_base_ = './labor_baseline.py'
self_training = dict(
    stages=dict(each_round=('label', 'selector', 'query', 'annotate', 'active_student')),
    label=dict(views=1, batch_size=4, workers=1),
    selector=dict(config='{{fileDirname}}/labor_selector.py'),
    query=dict(strategy='spl'))
