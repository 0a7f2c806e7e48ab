"""VFM-UDA on GTA5 -> Cityscapes: DINOv2 ViT-B, ClassMix, rare class sampling and masked tokens.

python tools/train.py configs/vfm_uda/vfm-uda_dinov2-b_40k_gta2cs-1024x1024.py
Scored on Cityscapes val. The first run counts the classes in the labels of GTA5, and downloads DINOv2's weights.
"""
_base_ = [
    '../_base_/published_runtime.py', '../_base_/models/vfm-uda_dinov2-b.py',
    '../_base_/datasets/gta2cs_h1024_1024x1024.py', '../_base_/schedules/adamw_linear_40k_vit.py',
    '../_base_/methods/vfm_uda.py'
]
model = dict(_base_.method, _delete_=True, segmentor=_base_.model)
custom_hooks = [*_base_.custom_hooks, *_base_.method_hooks]
train_dataloader = dict(dataset=dict(orders=dict(source=_base_.rare_classes)))
