"""FDA: CARLA with the low-frequency amplitudes of random CamVid images (3 classes).

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/fda.py
"""
_base_ = './lab.py'
# four frequencies in each direction; the paper's 0.01 would leave none for images of 80 lines
fda_pipeline = [dict(type='FourierAmplitudeTransfer', beta=0.05), *_base_.mix_pipeline[1:]]
train_dataloader = dict(dataset=dict(dataset=dict(pipeline=fda_pipeline)))
