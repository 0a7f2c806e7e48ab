"""Five whole images in each of two rounds on CARLA -> CamVid (3 classes), at random.

UDAS_DATA_ROOT=data python tools/train.py configs/benchmarks/carla2camvid/labor_images.py
Five images cost about 8,200 clicks. The outlines of predicted segments are simpler than those of true ones, so that a
budget of 5,140 expected clicks, as in labor_baseline.py, would be 42 images and cost 47,700 clicks.
"""
_base_ = './labor_baseline.py'
self_training = dict(query=dict(strategy='images', budget=dict(_delete_=True, images=5)))
