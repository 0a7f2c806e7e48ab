"""Converted public checkpoints of DAFormer compute what the published network computes."""
import math
from pathlib import Path
from typing import Callable, Dict

import pytest
import torch
from mmengine.config import Config
from mmseg.registry import MODELS
from torch import Tensor

from public_daformer import EPS, PublicDAFormer
from udas_mmseg.export.daformer_checkpoints import convert_daformer

ROOT = Path(__file__).parents[2]
WIDTH, BLOCKS, CLASSES, CHANNELS = 4, (1, 2, 1, 1), 5, 6
Weights = Dict[str, Tensor]


def random_values(seed: int) -> Callable[..., Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return lambda *shape: torch.randn(*shape, generator=generator, dtype=torch.float64) / math.prod(shape[1:])**0.5


@pytest.fixture(scope='module')
def network() -> PublicDAFormer:
    return PublicDAFormer(WIDTH, BLOCKS, CLASSES, CHANNELS, random_values(0))


@pytest.fixture
def training(network: PublicDAFormer) -> Weights:
    """The names of a whole training: the teacher differs from the student, and ImageNet's copy from both."""
    return {f'{part}.{name}': value * factor
            for part, factor in (('model', 1), ('ema_model', 2), ('imnet_model', 3))
            for name, value in network.weights.items()}


def shrink(cfg: Config, head: str, channels: int) -> None:
    cfg.backbone.update(embed_dims=WIDTH, num_layers=BLOCKS, init_cfg=None)
    cfg[head].update(in_channels=[WIDTH * heads for heads in (1, 2, 5, 8)], channels=channels,
                     embed_channels=channels, num_classes=CLASSES)


def small_model() -> torch.nn.Module:
    """Ours, from the config of DAFormer, shrunk."""
    cfg = Config.fromfile(ROOT / 'configs/_base_/models/daformer_mit-b5.py').model
    shrink(cfg, 'decode_head', CHANNELS)
    return MODELS.build(cfg).double().eval()


def test_the_logits_are_those_of_the_public_network(network: PublicDAFormer, training: Weights) -> None:
    model = small_model()
    model.load_state_dict(convert_daformer(training).state_dict, strict=True)
    image = torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    with torch.no_grad():
        expected = network(image)
        # MMSegmentation has 1e-6 in all layer norms
        torch.testing.assert_close(model(image, mode='tensor'), expected, atol=1e-3, rtol=1e-3)
        for name, module in model.backbone.named_modules():
            if name.endswith(('.0.norm', '.attn.norm')):
                module.eps = EPS['patch']
        torch.testing.assert_close(model(image, mode='tensor'), expected, atol=1e-10, rtol=1e-10)


def test_hrda_is_renamed_and_its_attention_is_that_of_the_public_network(network: PublicDAFormer) -> None:
    values, width, attention = random_values(5), 7, PublicDAFormer(WIDTH, BLOCKS, CLASSES, 7, random_values(5))
    attention.weights = {}
    for stage, heads in enumerate((1, 2, 5, 8)):
        attention.add(f'embed_layers.{stage}.proj', width, heads * WIDTH)
    attention.add_conv_norm('fuse_layer', 4 * width, width, 1)
    attention.weights['conv_seg.weight'] = values(CLASSES, width, 1, 1)
    attention.weights['conv_seg.bias'] = values(CLASSES)
    public = {name.replace('decode_head.', 'decode_head.head.'): value for name, value in network.weights.items()}
    public.update((f'decode_head.scale_attention.{name}', value) for name, value in attention.weights.items())
    result = convert_daformer({f'model.{name}': value for name, value in public.items()})
    cfg = Config.fromfile(ROOT / 'configs/_base_/models/hrda_mit-b5.py').model
    shrink(cfg, 'decode_head', CHANNELS)
    shrink(cfg, 'scale_attention', width)
    model = MODELS.build(cfg).double().eval()
    model.load_state_dict(result.state_dict, strict=True)
    assert result.has_attention and not convert_daformer(network.weights).has_attention
    maps = [torch.rand(1, heads * WIDTH, 8 >> stage, 8 >> stage, dtype=torch.float64)
            for stage, heads in enumerate((1, 2, 5, 8))]
    embedded = [torch.nn.functional.conv2d(x, weight[:, :, None, None], bias) for x, (weight, bias) in zip(
        maps, (attention.pair(f'embed_layers.{stage}.proj') for stage in range(4)))]
    whole = torch.cat([torch.nn.functional.interpolate(x, (8, 8), mode='bilinear') for x in embedded], 1)
    expected = torch.nn.functional.conv2d(attention.conv_norm(whole, 'fuse_layer'), *attention.pair('conv_seg'))
    torch.testing.assert_close(model.scale_attention(maps), expected, atol=1e-10, rtol=1e-10)
    del public['decode_head.scale_attention.fuse_layer.bn.bias']
    with pytest.raises(ValueError, match='missing: scale_attention.fuse_layer.bn.bias'):
        convert_daformer(public)


@pytest.mark.parametrize('teacher, factor', [(False, 1), (True, 2)])
def test_renaming_back_gives_the_chosen_network(network: PublicDAFormer, training: Weights, teacher: bool,
                                                factor: int) -> None:
    result = convert_daformer(training, teacher)
    back, found = {}, dict(result.state_dict)
    for stage, count in enumerate(BLOCKS):
        old = {f'layers.{stage}.0.projection': f'patch_embed{stage + 1}.proj',
               f'layers.{stage}.0.norm': f'patch_embed{stage + 1}.norm', f'layers.{stage}.2': f'norm{stage + 1}'}
        for block in range(count):
            new, public = f'layers.{stage}.1.{block}', f'block{stage + 1}.{block}'
            for kind in ('weight', 'bias'):
                query, key, value = found.pop(f'backbone.{new}.attn.attn.in_proj_{kind}').chunk(3)
                back[f'backbone.{public}.attn.q.{kind}'] = query
                back[f'backbone.{public}.attn.kv.{kind}'] = torch.cat([key, value])
            old.update({f'{new}.norm1': f'{public}.norm1', f'{new}.norm2': f'{public}.norm2',
                        f'{new}.attn.attn.out_proj': f'{public}.attn.proj', f'{new}.attn.sr': f'{public}.attn.sr',
                        f'{new}.attn.norm': f'{public}.attn.norm', f'{new}.ffn.layers.0': f'{public}.mlp.fc1',
                        f'{new}.ffn.layers.1': f'{public}.mlp.dwconv.dwconv',
                        f'{new}.ffn.layers.4': f'{public}.mlp.fc2'})
        for new, public in old.items():
            for kind in ('weight', 'bias'):
                if f'backbone.{new}.{kind}' in found:
                    back[f'backbone.{public}.{kind}'] = found.pop(f'backbone.{new}.{kind}')
    back.update(found)
    assert back.keys() == network.weights.keys()
    for name, value in network.weights.items():
        assert torch.equal(back[name].reshape(value.shape), value * factor), name
    count = len(network.weights)
    others = {f'{"model" if teacher else "ema_model"}.* ({count} tensors)', f'imnet_model.* ({count} tensors)'}
    assert {line.split(':')[0] for line in result.left_out} == others
    assert result.meta['network'] == ('teacher' if teacher else 'student')


def test_a_network_alone_and_old_counters(network: PublicDAFormer) -> None:
    public = {f'module.{name}': value for name, value in network.weights.items() if 'num_batches' not in name}
    result = convert_daformer(public)
    assert (result.width, result.num_layers, result.num_classes) == (WIDTH, BLOCKS, CLASSES)
    assert result.state_dict['decode_head.fuse_layer.bottleneck.bn.num_batches_tracked'] == 0
    assert not result.left_out
    with pytest.raises(ValueError, match='no teacher.*Leave out --teacher'):
        convert_daformer(public, teacher=True)


@pytest.mark.parametrize('removed, added, message', [
    ('model.backbone.block2.1.attn.q.weight', '',
     r'unknown: backbone.block2.1.attn.kv.weight; missing: backbone.layers.1.1.1.attn.attn.in_proj_weight\.'),
    ('model.backbone.block2.1.attn.kv.bias', '',
     r'unknown: backbone.block2.1.attn.q.bias; missing: backbone.layers.1.1.1.attn.attn.in_proj_bias\.'),
    ('model.backbone.norm3.bias', '', r'match; missing: backbone.layers.2.2.bias\.'),
    ('model.backbone.block3.0.attn.sr.bias', '', r'match; missing: backbone.layers.2.1.0.attn.sr.bias\.'),
    ('model.decode_head.embed_layers.2.proj.bias', '', r'match; missing: decode_head.embed_layers.2.proj.bias\.'),
    ('', 'model.backbone.block4.0.attn.sr.weight', 'unknown: backbone.layers.3.1.0.attn.sr.weight'),
    ('', 'model.backbone.pos_embed', r'match; unknown: backbone.pos_embed\.'),
    ('', 'model.decode_head.scale_attention.conv_seg.bias', 'unknown: decode_head.scale_attention.conv_seg.bias'),
    ('', 'model.auxiliary_head.conv_seg.bias', 'unknown: auxiliary_head.conv_seg.bias'),
    ('', 'discriminator.0.weight', r'unknown: discriminator.0.weight\. Known are model'),
    ('model.backbone.patch_embed1.proj.weight', '', 'no Mix Transformer: backbone.patch_embed1.proj.weight is missing'),
])
def test_a_name_that_does_not_match_is_named(training: Weights, removed: str, added: str, message: str) -> None:
    training.pop(removed, None)
    if added:
        training[added] = torch.zeros(3)
    with pytest.raises(ValueError, match=message):
        convert_daformer(training)


def test_other_shapes_and_missing_networks_are_named(training: Weights) -> None:
    training['model.backbone.norm4.bias'] = torch.zeros(3)
    with pytest.raises(ValueError, match=r'shapes differ: backbone.layers.3.2.bias \(3,\) instead of \(32,\)'):
        convert_daformer(training)
    with pytest.raises(ValueError, match=r'no weights ema_model.*only those of model'):
        convert_daformer({name: value for name, value in training.items() if name.startswith('model.')}, teacher=True)
