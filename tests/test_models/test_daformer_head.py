"""DAFormer's head against its equations in plain torch, and on a Mix Transformer."""
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import Tensor, nn

from online_models import MASKED, build_online
from student_models import sgd, student_batch

MIT = dict(type='MixVisionTransformer', embed_dims=4, num_layers=[1, 1, 1, 1], num_heads=[1, 1, 2, 2],
           drop_path_rate=0.1)


def build_head(**options: Any) -> nn.Module:
    torch.manual_seed(0)
    options = {**dict(in_channels=[4, 4, 8, 8], in_index=[0, 1, 2, 3], channels=6, embed_channels=5), **options}
    return MODELS.build(dict(type='DAFormerHead', num_classes=3, align_corners=False, **options))


def normed(layer: nn.Module, values: Tensor) -> Tensor:
    """Batch norm with running statistics, and ReLU."""
    mean, var, weight, bias = (getattr(layer, name).view(-1, 1, 1)
                               for name in ('running_mean', 'running_var', 'weight', 'bias'))
    return torch.relu((values - mean) / (var + layer.eps).sqrt() * weight + bias)


def expected(head: nn.Module, levels: list) -> Tensor:
    embedded = []
    for number, level in enumerate(levels):
        proj = head.embed_layers[str(number)].proj
        values = torch.einsum('oc,nchw->nohw', proj.weight, level) + proj.bias.view(-1, 1, 1)
        embedded.append(F.interpolate(values, levels[0].shape[2:], mode='bilinear', align_corners=False))
    fused, parts = torch.cat(embedded, dim=1), []
    if not hasattr(head.fuse_layer, 'aspp_modules'):  # a 1x1 convolution alone
        mixed = normed(head.fuse_layer.bn, F.conv2d(fused, head.fuse_layer.conv.weight))
        return F.conv2d(mixed, head.conv_seg.weight, head.conv_seg.bias)
    for module, dilation in zip(head.fuse_layer.aspp_modules, (1, 6, 12, 18)):
        if dilation == 1:
            parts.append(normed(module.bn, F.conv2d(fused, module.conv.weight)))
            continue
        depth, point = module.depthwise_conv, module.pointwise_conv
        values = normed(depth.bn, F.conv2d(fused, depth.conv.weight, padding=dilation, dilation=dilation,
                                           groups=fused.shape[1]))
        parts.append(normed(point.bn, F.conv2d(values, point.conv.weight)))
    last = head.fuse_layer.bottleneck
    mixed = normed(last.bn, F.conv2d(torch.cat(parts, dim=1), last.conv.weight, padding=1))
    return F.conv2d(mixed, head.conv_seg.weight, head.conv_seg.bias)


@pytest.mark.parametrize('dilations', [(1, 6, 12, 18), ()])
def test_it_is_that_of_its_equations(dilations: tuple) -> None:
    head = build_head(dilations=dilations).double().eval()
    generator = torch.Generator().manual_seed(1)
    for module in head.modules():
        if isinstance(module, nn.BatchNorm2d):
            for values in (module.running_mean, module.running_var, module.weight.data, module.bias.data):
                values.copy_(torch.rand(values.shape, generator=generator) + 0.5)
    levels = [torch.randn(2, width, *size, dtype=torch.float64, generator=generator)
              for width, size in zip((4, 4, 8, 8), ((16, 24), (8, 12), (4, 6), (2, 3)))]
    logits = head(levels)
    assert logits.shape == (2, 3, 16, 24)
    assert torch.allclose(logits, expected(head, levels), rtol=1e-12, atol=1e-12)


def test_weights_have_the_names_and_shapes_of_the_public_code() -> None:
    head = build_head(in_channels=[64, 128, 320, 512], channels=256, embed_channels=256)
    shapes = {name: tuple(value.shape) for name, value in head.named_parameters()}
    assert shapes['embed_layers.2.proj.weight'] == (256, 320)
    assert shapes['fuse_layer.aspp_modules.0.conv.weight'] == (256, 1024, 1, 1)
    assert shapes['fuse_layer.aspp_modules.3.depthwise_conv.conv.weight'] == (1024, 1, 3, 3)
    assert shapes['fuse_layer.aspp_modules.3.pointwise_conv.conv.weight'] == (256, 1024, 1, 1)
    assert shapes['fuse_layer.bottleneck.conv.weight'] == (256, 1024, 3, 3)
    assert shapes['conv_seg.weight'] == (3, 256, 1, 1)


def test_it_learns_online_on_a_mix_transformer() -> None:
    segmentor = dict(
        type='EncoderDecoder', data_preprocessor=dict(type='SegDataPreProcessor', size=(48, 64), std=[50.] * 3,
                                                      mean=[100.] * 3),
        backbone=MIT, train_cfg=dict(), test_cfg=dict(mode='whole'),
        decode_head=dict(type='DAFormerHead', in_channels=[4, 4, 8, 8], in_index=[0, 1, 2, 3], channels=8,
                         embed_channels=8, num_classes=3, align_corners=False))
    model = build_online(segmentor, terms=[MASKED], ema_teacher=dict(threshold=0.))
    before = {name: value.clone() for name, value in model.named_parameters()}
    wrapper = sgd(model)
    for seed in (0, 1):
        logs = model.train_step(student_batch('source', 'target', seed=seed), wrapper)
    assert all(bool(torch.isfinite(value).all()) for value in logs.values())
    assert not [name for name, value in model.named_parameters() if torch.equal(value, before[name])]


@pytest.mark.parametrize(('options', 'message'), [
    (dict(in_index=[0, 1]), r'in_channels=\[4, 4, 8, 8\] and in_index=\[0, 1\]'),
    (dict(dilations=(0, 6)), r'dilations=\(0, 6\): give one positive integer'),
])
def test_impossible_options_are_refused(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=f'DAFormerHead: {message}'):
        build_head(**options)
