"""DAFormer's training on generated scenes: DACS with rare class sampling.

python tools/train.py configs/demo/daformer.py
The network is trained from scratch, so that there are no ImageNet features to stay close to.
"""
_base_ = ['../_base_/setups/demo_256x128.py', '../_base_/methods/daformer_600.py']
model = dict(_base_.method, _delete_=True, segmentor=_base_.model, terms=[])
custom_hooks = [*_base_.custom_hooks, *_base_.method_hooks]
train_dataloader = dict(dataset=dict(orders=dict(source=_base_.rare_classes)))
