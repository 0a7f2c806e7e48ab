"""The auxiliary head that the error about a missing one proposes."""
from typing import Dict, Tuple

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.optim import OptimWrapper
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from adversarial_models import batch

NORM = dict(type='BN')
RESNET = dict(depth=18, base_channels=8, stem_channels=8, norm_cfg=NORM)
BRANCHES = [dict(num_modules=1, num_branches=number, block='BOTTLENECK' if number == 1 else 'BASIC',
                 num_blocks=(1,) * number, num_channels=(4, 8, 16, 32)[:number]) for number in (1, 2, 3, 4)]
SINGLE = dict(num_classes=3, channels=8, norm_cfg=NORM)
ALL = dict(type='SegformerHead', in_index=[0, 1, 2, 3], **SINGLE)

# backbone, main head, index and channels of the expected auxiliary head
NETWORKS: Dict[str, Tuple[dict, dict, int, int]] = {
    'DeepLabv2': (dict(type='ResNet', strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4), **RESNET),
                  dict(type='DeepLabV2Head', in_channels=64, in_index=3, num_classes=3), 2, 32),
    'PSPNet': (dict(type='ResNetV1c', strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4), **RESNET),
               dict(type='PSPHead', in_channels=64, in_index=3, **SINGLE), 2, 32),
    'MobileNetV2': (dict(type='MobileNetV2', norm_cfg=NORM),
                    dict(type='FCNHead', in_channels=320, in_index=3, **SINGLE), 2, 96),
    'SegFormer': (dict(type='MixVisionTransformer', embed_dims=8, num_layers=[1] * 4, num_heads=[1] * 4),
                  dict(ALL, in_channels=[8] * 4), 2, 8),
    'UNet': (dict(type='UNet', base_channels=4, norm_cfg=NORM),
             dict(type='FCNHead', in_channels=4, in_index=4, **SINGLE), 3, 8),
    'Swin': (dict(type='SwinTransformer', embed_dims=12, depths=(1, 1, 1, 1), num_heads=(1, 1, 2, 2), window_size=4),
             dict(ALL, in_channels=[12, 24, 48, 96]), 2, 48),
    'HRNet': (dict(type='HRNet', norm_cfg=NORM, extra={f'stage{number}': stage
                                                        for number, stage in enumerate(BRANCHES, 1)}),
              dict(type='FCNHead', in_channels=[4, 8, 16, 32], in_index=[0, 1, 2, 3], input_transform='resize_concat',
                   **SINGLE), 2, 16),
}  # yapf: disable


@pytest.mark.parametrize('name', NETWORKS)
def test_the_proposed_head_can_be_copied_and_trained(name: str) -> None:
    backbone, decode_head, index, channels = NETWORKS[name]
    cfg = ConfigDict(type='MultiLevelEncoderDecoder', backbone=backbone, decode_head=decode_head, train_cfg=dict(),
                     test_cfg=dict(mode='whole'))
    with pytest.raises(ValueError, match='needs exactly one auxiliary_head, and the segmentor has none') as error:
        MODELS.build(cfg)
    block = str(error.value).split('auxiliary_head=')[-1]
    head = eval(block, {'dict': dict})  # as a user copies it into a config
    assert (head['in_index'], head['in_channels']) == (index, channels)
    model = MODELS.build({**cfg, 'auxiliary_head': head})
    label = torch.randint(0, 3, (1, 64, 64), generator=torch.Generator().manual_seed(0))
    samples = [SegDataSample(metainfo=dict(img_shape=(64, 64)), gt_sem_seg=PixelData(data=label)) for _ in range(2)]
    losses = model(torch.randn(2, 3, 64, 64), samples, mode='loss')
    losses['aux.loss_ce'].backward()
    assert all(parameter.grad is not None for parameter in model.auxiliary_head.parameters())


def test_a_backbone_that_cannot_be_tried_is_said() -> None:
    @MODELS.register_module(name='LargeImagesOnly', force=True)
    class LargeImagesOnly(torch.nn.Module):
        def forward(self, image: torch.Tensor) -> None:
            raise RuntimeError(f'{image.shape[-1]} pixels are too few')

    with pytest.raises(ValueError, match='LargeImagesOnly could not be tried .* 64 pixels are too few'):
        MODELS.build(dict(type='MultiLevelEncoderDecoder', backbone=dict(type='LargeImagesOnly'),
                          decode_head=dict(type='FCNHead', in_channels=4, in_index=0, **SINGLE)))


def test_the_divergence_of_heads_proposes_one_too() -> None:
    backbone, decode_head, index, channels = NETWORKS['UNet']
    segmentor = dict(type='EncoderDecoder', backbone=backbone, decode_head=decode_head, train_cfg=dict(),
                     test_cfg=dict(mode='whole'), data_preprocessor=dict(type='DomainDataPreProcessor'))
    term = dict(type='HeadDivergenceTerm', form='symmetric_cross_entropy', weight=0.1)
    cfg = ConfigDict(type='BranchSegmentor', segmentor=segmentor, terms=[term])
    with pytest.raises(ValueError, match='HeadDivergenceTerm compares .* add to the segmentor:') as error:
        MODELS.build(cfg)
    head = eval(str(error.value).split('auxiliary_head=')[-1], {'dict': dict})
    assert (head['in_index'], head['in_channels']) == (index, channels)
    model = MODELS.build({**cfg, 'segmentor': {**segmentor, 'auxiliary_head': head}}).train()
    losses = model.train_step(batch((64, 64), (64, 64)), OptimWrapper(torch.optim.SGD(model.parameters(), 0.1)))
    assert losses['target.loss_kl'] > 0 and torch.isfinite(losses['loss'])
