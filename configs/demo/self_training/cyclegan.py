"""The translator of the demo: ../cyclegan.py with fewer iterations.

python tools/train.py configs/demo/self_training/ssl.py    # trains it, and translates
python tools/train.py configs/demo/self_training/cyclegan.py
"""
_base_ = '../cyclegan.py'
iters = 300
param_scheduler = [
    dict(type='LinearLR', start_factor=1.0, end_factor=0.0, begin=iters // 2, end=iters, by_epoch=False)
]
train_cfg = dict(max_iters=iters)
