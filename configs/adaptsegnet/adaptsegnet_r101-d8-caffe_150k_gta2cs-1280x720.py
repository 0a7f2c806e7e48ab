"""AdaptSegNet, multi-level, on GTA5 -> Cityscapes exactly as in its published code (configs/adaptsegnet/README.md).

python tools/model_converters/adaptsegnet.py DeepLab_resnet_pretrained_init-f81d91e8.pth weights/deeplab_init.pth
python tools/train.py configs/adaptsegnet/adaptsegnet_r101-d8-caffe_150k_gta2cs-1280x720.py
Caffe's ResNet-101, classifiers with two dilations, the effective learning rates, 150,000 iterations. Scored on
Cityscapes val.
"""
_base_ = [
    '../_base_/published_runtime.py', '../_base_/models/deeplabv2-multi_r101-d8_caffe.py',
    '../_base_/datasets/gta2cs_1280x720.py', '../_base_/schedules/sgd_poly250k_150k_exact.py',
    '../_base_/methods/adaptsegnet.py'
]
backbone = dict(
    _base_.model.backbone,
    init_cfg=dict(
        type='Pretrained', checkpoint='{{$UDAS_WEIGHTS_ROOT:weights}}/deeplab_init.pth', prefix='backbone.'))
model = dict(_base_.method, _delete_=True, segmentor=dict(_base_.model, backbone=backbone))
optim_wrapper = dict(_base_.method_optim_wrapper, _delete_=True, segmentor=_base_.optim_wrapper)
