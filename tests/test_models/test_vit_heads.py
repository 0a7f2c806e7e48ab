"""Heads on vision transformers: VFM-UDA's, against its equations, and MMSegmentation's DPTHead."""
import pytest
import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import Tensor, nn

from vit_models import DINOV2, DINOV3, EVA02, backbone, vit_segmentor


def enlarged(values: Tensor, weight: Tensor) -> Tensor:
    """A transposed convolution of 2x2 with stride 2: each pixel becomes a block of 2x2."""
    blocks = torch.einsum('nchw,cokl->nohkwl', values, weight)
    return blocks.reshape(len(values), weight.shape[1], 2 * values.shape[2], 2 * values.shape[3])


def normed(values: Tensor, layer: nn.Module) -> Tensor:
    mean, var = values.mean(1, keepdim=True), values.var(1, keepdim=True, unbiased=False)
    return ((values - mean) / (var + layer.eps).sqrt() * layer.weight.view(-1, 1, 1) + layer.bias.view(-1, 1, 1))


def test_the_head_of_vfm_uda_is_that_of_its_equations() -> None:
    torch.manual_seed(0)
    head = MODELS.build(dict(type='VFMUDAHead', in_channels=16, in_index=-1, num_classes=3)).double().eval()
    for value in head.parameters():
        nn.init.normal_(value)
    features = torch.randn(2, 16, 3, 5, dtype=torch.float64)
    first, norm_1, _, second, norm_2 = head.enlarge
    values = F.gelu(normed(enlarged(features, first.weight), norm_1))
    values = normed(enlarged(values, second.weight), norm_2)
    values = normed(F.conv2d(values, head.smooth[0].weight, padding=1), head.smooth[1])
    logits = head([features])
    assert (first.out_channels, head.channels) == (8, 4) and logits.shape == (2, 3, 12, 20)
    assert torch.allclose(logits, F.conv2d(values, head.conv_seg.weight, head.conv_seg.bias), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize('readout', ['ignore', 'add', 'project'])
@pytest.mark.parametrize('model', [DINOV2, DINOV3, EVA02])
def test_the_dpt_head_of_mmsegmentation_takes_any_size(model: str, readout: str) -> None:
    torch.manual_seed(0)
    cfg = vit_segmentor()
    cfg['backbone'] = backbone(model, model_kwargs=dict(depth=4), out_indices=(0, 1, 2, 3), output_cls_token=True)
    cfg['decode_head'] = dict(
        type='DPTHead', in_channels=(16, 16, 16, 16), in_index=(0, 1, 2, 3), input_transform='multiple_select',
        embed_dims=16, post_process_channels=[4, 8, 16, 16], channels=8, readout_type=readout, num_classes=3,
        norm_cfg=None, align_corners=False)
    network = MODELS.build(cfg)
    for size in ((48, 64), (37, 81)):
        logits = network.encode_decode(torch.randn(2, 3, *size), [dict(img_shape=size)] * 2)
        assert logits.shape == (2, 3, *size)
    logits.square().mean().backward()
    without = [name for name, value in network.named_parameters() if value.grad is None]
    assert not without, f'no gradient for {without}'
