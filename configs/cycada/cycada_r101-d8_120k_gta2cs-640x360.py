r"""Both parts of CyCADA: GTA5 translated with semantic consistency, then a discriminator on the segmentor's output.

python tools/translate.py configs/translation/cycada_resnet9_200k_gta2cs-640x360.py CHECKPOINT \
    --out data/gta5_cycada --size 640x360
python tools/train.py configs/cycada/cycada_r101-d8_120k_gta2cs-640x360.py
CyCADA's own discriminator gets features; here, it gets the output of both heads, as in AdaptSegNet.
"""
_base_ = [
    '../_base_/published_runtime.py', '../_base_/models/deeplabv2-multi_r101-d8.py',
    '../_base_/datasets/gta2cs_640x360.py', '../_base_/schedules/sgd_poly250k_120k.py',
    '../_base_/methods/adaptsegnet.py'
]
train_dataloader = dict(
    dataset=dict(source=dict(translated_root='{{$UDAS_DATA_ROOT:data}}/gta5_cycada', missing_translation='error')))
model = dict(_base_.method, _delete_=True, segmentor=_base_.model)
optim_wrapper = dict(_base_.method_optim_wrapper, _delete_=True, segmentor=_base_.optim_wrapper)
