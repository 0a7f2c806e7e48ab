r"""Other strategies than LabOR's on CARLA -> CamVid (3 classes): entropy, or another one by an option; two rounds.

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/labor_baseline.py
UDAS_DATA_ROOT=data python tools/compare.py configs/benchmarks/carla2camvid/labor_baseline.py \
    --vary self_training.query.strategy=entropy,random --seeds 0 1 2 --out labor_baselines
The budget of a round is 20 clicks for each image of the pool, which is also that of labor_spl.py and labor_ppl.py.
"""
_base_ = '../../_base_/self_training_runtime.py'
self_training = dict(
    rounds=2,
    keep='last',
    stages=dict(each_round=('query', 'annotate', 'active_student')),
    adapt=dict(config='{{fileDirname}}/uda.py'),
    query=dict(strategy='entropy', points_per_image=20, budget=dict(clicks=5140)),
    annotate=dict(by='truth'),
    active_student=dict(config='{{fileDirname}}/labor_student.py'),
    export=dict(num_images=6))
