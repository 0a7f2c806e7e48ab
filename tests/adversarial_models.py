"""Tiny adversarial models and batches for them."""
from typing import Any, Dict, Optional

import torch
from mmengine.config import ConfigDict
from mmengine.optim import OptimWrapperDict
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor

from udas_mmseg.engine.optimizers import PerChildOptimWrapperConstructor

NORM = dict(type='BN')
SMALL = dict(type='MultiLevelDiscriminator', discriminator=dict(type='FCDiscriminator', base_channels=2))
RESNET = dict(type='ResNet', depth=18, base_channels=4, stem_channels=4, strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4),
              norm_cfg=NORM)
FCN_AUX = dict(type='FCNHead', in_channels=16, in_index=2, channels=4, num_classes=3, num_convs=1, norm_cfg=NORM,
               dropout_ratio=0,
               loss_decode=dict(type='CrossEntropyLoss', loss_weight=0.4))


def deeplabv2() -> dict:
    head = dict(type='DeepLabV2Head', num_classes=3, dilations=(1, 2), align_corners=True)
    return dict(type='MultiLevelEncoderDecoder', data_preprocessor=dict(type='DomainDataPreProcessor', std=[50.] * 3,
                                                                        mean=[100.] * 3),
                backbone=RESNET, decode_head=dict(head, in_channels=32, in_index=3),
                auxiliary_head=dict(head, in_channels=16, in_index=2), train_cfg=dict(), test_cfg=dict(mode='whole'))


def stock(backbone: dict, decode_head: dict, auxiliary_head: Optional[dict] = FCN_AUX) -> dict:
    """A segmentor as in MMSegmentation's own configs."""
    return dict(type='EncoderDecoder', data_preprocessor=dict(type='SegDataPreProcessor', size_divisor=1,
                                                              std=[50.] * 3, mean=[100.] * 3),
                backbone=backbone, decode_head=dict(decode_head, num_classes=3, norm_cfg=NORM, dropout_ratio=0),
                auxiliary_head=auxiliary_head, train_cfg=dict(), test_cfg=dict(mode='whole'))


SEGMENTORS = {
    'DeepLabv2': deeplabv2(),
    'PSPNet': stock(RESNET, dict(type='PSPHead', in_channels=32, in_index=3, channels=8, pool_scales=(1, 2))),
    'DeepLabv3+': stock(RESNET, dict(type='DepthwiseSeparableASPPHead', in_channels=32, in_index=3, channels=8,
                                     dilations=(1, 2), c1_in_channels=4, c1_channels=4)),
    'FCN': stock(RESNET, dict(type='FCNHead', in_channels=32, in_index=3, channels=8)),
    'SegFormer': stock(
        dict(type='MixVisionTransformer', embed_dims=4, num_layers=[1, 1, 1, 1], num_heads=[1, 1, 2, 2],
             drop_path_rate=0.),
        dict(type='SegformerHead', in_channels=[4, 4, 8, 8], in_index=[0, 1, 2, 3], channels=8),
        dict(FCN_AUX, in_channels=8)),
}  # yapf: disable


def build(segmentor: Optional[dict] = None, seed: int = 0, **options: Any) -> Any:
    torch.manual_seed(seed)
    options.setdefault('discriminators', SMALL)
    cfg = ConfigDict(type='AdversarialSegmentor', segmentor=segmentor or deeplabv2(), **options)
    return MODELS.build(cfg).train()


def optimizers(model: torch.nn.Module, **options: Any) -> OptimWrapperDict:
    one = {'type': 'OptimWrapper', 'optimizer': dict(type='SGD', lr=0.1), **options}
    names = [name for name, child in model.named_children() if any(True for _ in child.parameters())]
    return PerChildOptimWrapperConstructor({name: one for name in names})(model)


def batch(source: tuple = (48, 64), target: tuple = (48, 64), count: int = 2, seed: int = 0, **more: tuple) -> dict:
    generator = torch.Generator().manual_seed(seed)

    def branch(size: tuple, labeled: bool) -> dict:
        samples = []
        for _ in range(count):
            sample = SegDataSample(metainfo=dict(img_shape=size, ori_shape=size))
            if labeled:
                label = torch.randint(0, 3, (1, *size), generator=generator)
                label[:, :4] = 255
                sample.gt_sem_seg = PixelData(data=label)
            samples.append(sample)
        inputs = [torch.randint(0, 256, (3, *size), generator=generator).to(torch.uint8) for _ in range(count)]
        return dict(inputs=inputs, data_samples=samples)

    return dict(source=branch(source, True), target=branch(target, False),
                **{name: branch(size, True) for name, size in more.items()})


def weights(model: torch.nn.Module) -> Dict[str, Tensor]:
    return {name: value.clone() for name, value in model.named_parameters()}
