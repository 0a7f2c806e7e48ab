"""The teacher of ssl_online_0.py: online self-training (DACS) on translated CARLA -> CamVid, without labels.

3 classes.

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/ladder/ssl_online_0.py    # with its stages
UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/ladder/online_0.py
The first command begins with a network that is trained on translated CARLA, the second one with ImageNet's weights.
The moving average of the student is the teacher, and what is scored.
"""
_base_ = '../online/dacs.py'
model = dict(predict_with='teacher')
load_from = None
