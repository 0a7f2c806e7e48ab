"""A public checkpoint of AdaptSegNet, or of code that is based on it, on Cityscapes val at the published 1024x512.

python tools/model_converters/adaptsegnet.py GTA2Cityscapes_multi-ed35151c.pth gta2cs_multi.pth --dilations 6 12
python tools/test.py configs/adaptsegnet/source-only_r101-d8-caffe_120k_gta2cs-640x360.py gta2cs_multi.pth

To train the source-only baseline of the same network from the converted initial weights (docs/checkpoints.md):

python tools/train.py configs/adaptsegnet/source-only_r101-d8-caffe_120k_gta2cs-640x360.py
"""
_base_ = [
    '../_base_/published_runtime.py', '../_base_/models/deeplabv2-multi_r101-d8_caffe.py',
    '../_base_/datasets/gta2cs_640x360.py', '../_base_/schedules/sgd_poly250k_120k.py'
]
test_pipeline = [
    dict(type='LoadVerifiedImage'),
    # as in the published scripts
    dict(type='Resize', scale=(1024, 512), keep_ratio=False, backend='pillow', interpolation='bicubic'),
    # after the resize, so that predictions are scored at the size of the label file
    dict(type='LoadLabelIds', label_map='cityscapes'),
    dict(type='PackSegInputs')
]
train_dataloader = dict(
    dataset=dict(_delete_=True, type='StreamDataset', dataset=_base_.source_train, max_broken=100))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
