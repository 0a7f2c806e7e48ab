"""AdvEnt on GTA5 -> Cityscapes exactly as in its published code (configs/adaptsegnet/README.md).

python tools/model_converters/adaptsegnet.py DeepLab_resnet_pretrained_imagenet.pth weights/deeplab_init.pth
python tools/train.py configs/advent/advent_r101-d8-caffe_120k_gta2cs-1280x720.py
Caffe's ResNet-101, classifiers with four dilations, the effective learning rates, 120,000 iterations. Scored on
Cityscapes val.
"""
_base_ = [
    '../_base_/published_runtime.py', '../_base_/models/deeplabv2-multi_r101-d8_caffe.py',
    '../_base_/datasets/gta2cs_1280x720.py', '../_base_/schedules/sgd_poly250k_120k_exact.py',
    '../_base_/methods/advent.py'
]
dilations = (6, 12, 18, 24)
segmentor = dict(
    _base_.model,
    backbone=dict(
        _base_.model.backbone,
        init_cfg=dict(
            type='Pretrained', checkpoint='{{$UDAS_WEIGHTS_ROOT:weights}}/deeplab_init.pth', prefix='backbone.')),
    decode_head=dict(_base_.model.decode_head, dilations=dilations),
    auxiliary_head=dict(_base_.model.auxiliary_head, dilations=dilations))
model = dict(_base_.method, _delete_=True, segmentor=segmentor)
optim_wrapper = dict(_base_.method_optim_wrapper, _delete_=True, segmentor=_base_.optim_wrapper)
