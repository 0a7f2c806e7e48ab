"""Training on pseudo-labels that counts less where the heads disagree."""
from typing import List

import pytest
import torch
import torch.nn.functional as F
from mmengine.config import ConfigDict
from mmengine.optim import build_optim_wrapper
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import nn

from udas_mmseg.models.losses import rectified_cross_entropy

NORM = dict(type='BN')
IMAGES = torch.randn(2, 3, 32, 48, generator=torch.Generator().manual_seed(1))


def build(align_corners: bool = True, main_weight: float = 1.0) -> nn.Module:
    heads = [
        dict(type='DeepLabV2Head', in_channels=channels, in_index=index, num_classes=3, align_corners=align_corners,
             loss_decode=dict(type='CrossEntropyLoss', loss_weight=weight))
        for channels, index, weight in ((64, 3, main_weight), (32, 2, 0.5))
    ]  # yapf: disable
    torch.manual_seed(0)
    model = MODELS.build(ConfigDict(
        type='RectifiedEncoderDecoder',
        backbone=dict(type='ResNet', depth=18, base_channels=8, stem_channels=8, strides=(1, 2, 1, 1),
                      dilations=(1, 1, 2, 4), norm_cfg=NORM),
        decode_head=heads[0], auxiliary_head=heads[1], train_cfg=dict(), test_cfg=dict(mode='whole')))  # yapf: disable
    for parameter in model.decode_head.parameters():  # else both heads say nearly the same
        nn.init.normal_(parameter, std=0.3)
    return model


def samples(ignored: int = 7) -> List[SegDataSample]:
    generator = torch.Generator().manual_seed(0)
    label = torch.randint(0, 3, (2, 1, 32, 48), generator=generator)
    label[:, :, :ignored] = 255
    meta = dict(img_shape=(32, 48), ori_shape=(32, 48), pad_shape=(32, 48))
    return [SegDataSample(metainfo=meta, gt_sem_seg=PixelData(data=one)) for one in label]


@pytest.mark.parametrize('align_corners', [True, False])
def test_loss_is_the_rectified_cross_entropy_of_the_resized_logits(align_corners: bool) -> None:
    model, batch = build(align_corners, main_weight=2.0).eval(), samples()
    losses = model(IMAGES, batch, mode='loss')
    main, auxiliary = (F.interpolate(level, (32, 48), mode='bilinear', align_corners=align_corners)
                       for level in model(IMAGES, mode='tensor'))
    label = torch.cat([sample.gt_sem_seg.data for sample in batch])
    assert set(losses) == {'decode.loss_rect', 'aux.loss_rect'}
    assert losses['decode.loss_rect'].item() == pytest.approx(
        2 * rectified_cross_entropy(main, auxiliary, label).item(), rel=1e-5)
    assert losses['aux.loss_rect'].item() == pytest.approx(
        0.5 * rectified_cross_entropy(auxiliary, main, label).item(), rel=1e-5)
    plain = F.cross_entropy(main, label, ignore_index=255).item()
    assert losses['decode.loss_rect'].item() != pytest.approx(2 * plain, rel=1e-3), 'the heads agree: nothing is shown'


def test_every_parameter_gets_a_gradient_from_either_loss() -> None:
    for name in ('decode.loss_rect', 'aux.loss_rect'):
        model = build()
        model(IMAGES, samples(), mode='loss')[name].backward()
        without = [key for key, parameter in model.named_parameters() if parameter.grad is None]
        assert not without, f'{name}: no gradient for {without}'


def test_trains_a_step_and_predicts_as_before() -> None:
    model = build()
    wrapper = build_optim_wrapper(model, dict(optimizer=dict(type='SGD', lr=1e-3)))
    model.data_preprocessor = MODELS.build(dict(type='SegDataPreProcessor', size_divisor=1))
    data = dict(inputs=list(IMAGES), data_samples=samples())
    logs = [model.train_step(data, wrapper) for _ in range(4)]
    assert float(logs[-1]['loss'].detach()) < float(logs[0]['loss'].detach())
    model.eval()
    sample = model(IMAGES, samples(), mode='predict')[0]
    assert torch.equal(sample.pred_sem_seg.data[0], sample.seg_logits.data.argmax(0))


def test_nothing_labelled_is_no_loss() -> None:
    losses = build()(IMAGES, samples(ignored=32), mode='loss')
    assert [float(value) for value in losses.values()] == [0, 0]
